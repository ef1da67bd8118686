"""The steps of a request by name, in order. Nothing else decides the order.

    head -> address -> operation -> caller -> bucket -> right -> handler

Nothing of the body has been read before the handler asks for it: `100 Continue` goes out only then.
Must not know: ASGI messages, how a reply is sent, what any handler does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from dataplane.access.actions import OBJECT_READ
from dataplane.errors import DomainError
from dataplane.ports import Directory
from s3gateway.addressing import Addressing
from s3gateway.auth.authenticate import Authenticator
from s3gateway.authorize import (
    EXPECTED_OWNER,
    authorize,
    check_expected_owner,
    find_bucket,
    look_up_bucket,
    may_see_absence,
)
from s3gateway.context import RequestContext
from s3gateway.cors import refuse_preflight
from s3gateway.error_map import to_s3_error
from s3gateway.errors import S3Error, not_implemented
from s3gateway.operations.call import Call, Response
from s3gateway.operations.spec import Operation, Support
from s3gateway.operations.table import OPERATIONS
from s3gateway.router import COPY_SOURCE, Router
from s3gateway.settings import GatewaySettings
from s3gateway.stream import RequestStream

if TYPE_CHECKING:
    from dataplane.objects.store import ObjectStore

Handler = Callable[[Call], Awaitable[Response]]

_ABSENT = ("NoSuchKey", "NoSuchVersion")


def load_handlers(operations: Sequence[Operation]) -> dict[str, Handler]:
    """Operation name -> handler. Raises ImportError or AttributeError where a row promises one that is not there."""
    handlers: dict[str, Handler] = {}
    for row in operations:
        if row.module:
            module, _, function = row.handler.partition(":")
            handlers[row.name] = getattr(import_module(module), function)
    return handlers


class Pipeline:
    """One per worker. `handlers` may replace the table's own (tests)."""

    def __init__(
        self,
        directory: Directory,
        objects: ObjectStore,
        settings: GatewaySettings,
        handlers: Mapping[str, Handler] | None = None,
    ) -> None:
        self._directory = directory
        self._objects = objects
        self._settings = settings
        self._handlers = load_handlers(OPERATIONS) if handlers is None else handlers
        self._router = Router(OPERATIONS)
        self._addressing = Addressing(settings.domains)
        self._authenticator = Authenticator(directory, settings)

    async def run(self, context: RequestContext, stream: RequestStream, now_seconds: float) -> Response:
        """Fills `context` as it goes. Raises S3Error, `ClientDisconnected`, or what nobody expected."""
        try:
            operation = self._recognise(context)
            request = context.request
            headers = request.headers
            context.principal, context.payload = await self._authenticator.authenticate(
                request, now_seconds, context.bucket_name if context.virtual_host else ""
            )
            if request.headers is not headers and COPY_SOURCE in request.headers:
                # A presigned URL carries headers in its query: it may have meant a copy.
                operation = context.operation = self._router.match(request, operation.scope)
            if operation.needs_bucket:
                await self._find_bucket(context, operation)
            authorize(context, operation)
            if operation.support is Support.REFUSED:
                raise not_implemented(operation.name)
            call = Call(context, self._objects, self._directory, self._settings, stream)
            return await self._handlers[operation.name](call)
        except DomainError as error:
            failure = to_s3_error(error)
            self._hide_absence(context, failure)
            raise failure from error
        except S3Error as failure:
            self._hide_absence(context, failure)
            raise

    def _recognise(self, context: RequestContext) -> Operation:
        """Address and operation. Raises what is wrong with the request's head, before anybody is asked who they are."""
        request = context.request
        headers = request.headers
        size_bytes = sum(map(len, headers)) + sum(map(len, headers.values()))
        if size_bytes > self._settings.max_header_bytes:
            raise S3Error(
                "RequestHeaderSectionTooLarge",
                fields={"MaxSizeAllowed": str(self._settings.max_header_bytes), "Size": str(size_bytes)},
            )
        if request.method == "OPTIONS":
            raise refuse_preflight(request)
        operation = self._router.match_path(request.method, request.raw_path)
        if operation is None:
            address = self._addressing.address(request)
            context.bucket_name, context.key = address.bucket, address.key
            context.virtual_host = address.virtual_host
            operation = self._router.match(request, address.scope)
        context.operation = operation
        return operation

    async def _find_bucket(self, context: RequestContext, operation: Operation) -> None:
        if operation.any_region:
            context.bucket = await look_up_bucket(self._directory, context.bucket_name)
        else:
            context.bucket = await find_bucket(self._directory, self._settings, context.bucket_name)
        if EXPECTED_OWNER in context.request.headers:
            check_expected_owner(context.request, context.bucket)

    def _hide_absence(self, context: RequestContext, failure: S3Error) -> None:
        """Raises AccessDenied instead, where the caller may read keys but not learn which exist."""
        operation = context.operation
        if (
            failure.code in _ABSENT
            and operation is not None
            and operation.action == OBJECT_READ
            and not may_see_absence(context)
        ):
            raise S3Error("AccessDenied") from None
