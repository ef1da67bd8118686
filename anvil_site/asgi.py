"""What the two listeners serve: the API port's composition of health pages and S3, and the console.

The order of the API port's questions is the order here; everything that is not the node's own page is S3.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from anvil_site import logs
from anvil_site.health import HEALTH_PATHS

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

_HARMLESS_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_SIGNATURE_PARAMETERS = (b"X-Amz-", b"AWSAccessKeyId=", b"x-id=")


def api_application(health: Application, gateway: Application, *, s3_domains: Sequence[str]) -> Application:
    """`GET /` is liveness when unsigned and ListBuckets when signed; a bucket's own host has no pages but its keys."""
    suffixes = tuple(f".{domain}".encode() for domain in s3_domains)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _no_lifespan(receive, send)
        elif scope["path"] in HEALTH_PATHS and _is_for_the_node(scope, suffixes):
            await health(scope, receive, send)
        else:
            await gateway(scope, receive, send)

    return application


def _is_for_the_node(scope: Scope, bucket_suffixes: tuple[bytes, ...]) -> bool:
    if scope["method"] not in ("GET", "HEAD"):
        return False
    is_root = scope["path"] == "/"
    for name, value in scope["headers"]:
        if name == b"authorization" and is_root:
            return False
        if name == b"host" and bucket_suffixes and value.lower().partition(b":")[0].endswith(bucket_suffixes):
            return False
    return not is_root or not any(parameter in scope["query_string"] for parameter in _SIGNATURE_PARAMETERS)


async def _no_lifespan(receive: Receive, send: Send) -> None:
    """Start and end are the worker's business; the protocol is answered all the same."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


class ConsoleApplication:
    """Django behind its static files, loaded at the first request: most workers of most nodes never get one."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._parts: tuple[Any, Application] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _no_lifespan(receive, send)
            return
        static_files, django = self._parts or await self._load()
        if static_files.serves(scope["path"]):
            await static_files(scope, receive, send)
            return
        token = logs.request_id.set(_with_request_id(scope))
        try:
            await django(scope, receive, send)
        finally:
            logs.request_id.reset(token)

    async def _load(self) -> tuple[Any, Application]:
        async with self._lock:
            if self._parts is None:
                self._parts = await asyncio.to_thread(_load_console)
            return self._parts


def _with_request_id(scope: Scope) -> str:
    """The caller's X-Request-Id, or one made up and added to the request, so that all below agree on it."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _HARMLESS_ID.fullmatch(value):
            return str(value, "ascii")
    made = secrets.token_hex(8).upper()
    others = [(name, value) for name, value in scope["headers"] if name != b"x-request-id"]
    scope["headers"] = [*others, (b"x-request-id", made.encode())]
    return made


def _load_console() -> tuple[Any, Application]:
    from django.core.asgi import get_asgi_application  # noqa: PLC0415

    from anvil_site.static_files import StaticFiles  # noqa: PLC0415

    return StaticFiles(), get_asgi_application()
