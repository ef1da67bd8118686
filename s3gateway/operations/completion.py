"""A reply that must not wait for its work: blanks keep the connection alive until the result is there.

S3 does so for CompleteMultipartUpload: after a while it sends 200, white space, and at last the result or an `<Error>`
document; SDKs look for it. Work that ends soon answers with its true status. Must not know: what the work is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from dataplane.errors import DomainError
from s3gateway.error_map import to_s3_error
from s3gateway.errors import S3Error
from s3gateway.operations.call import XML_CONTENT_TYPE, Call, Headers, Response
from s3gateway.request import header_text
from s3gateway.xml.error_document import error_document
from s3gateway.xml.writer import DECLARATION

PATIENCE_SECONDS: Final = 5.0
"""How long the status waits for the work; load balancers give up on silent servers after 30 seconds and more."""
BLANK_SECONDS: Final = 5.0

Work = Callable[[], Awaitable[Response]]


async def answer_patiently(
    call: Call,
    work: Work,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
    blank_seconds: float = BLANK_SECONDS,
) -> Response:
    """The reply of `work` (whole bytes, XML), or one that streams blanks and then its document."""
    task = asyncio.ensure_future(work())
    try:
        done, _ = await asyncio.wait({task}, timeout=patience_seconds)
    except asyncio.CancelledError:
        await _cancel(task)
        raise
    if done:
        return task.result()
    headers: Headers = [XML_CONTENT_TYPE]
    return Response(200, headers, _blanks_then(call, task, blank_seconds))


async def _blanks_then(call: Call, task: asyncio.Future[Response], blank_seconds: float) -> AsyncIterator[bytes]:
    """An XML declaration may only come first: it is sent at once, and taken off the document at the end."""
    try:
        yield DECLARATION.encode()
        while True:
            done, _ = await asyncio.wait({task}, timeout=blank_seconds)
            if done:
                break
            yield b" "
        yield _document_of(call, task).removeprefix(DECLARATION.encode())
    finally:
        await _cancel(task)


def _document_of(call: Call, task: asyncio.Future[Response]) -> bytes:
    try:
        body = task.result().body
    except DomainError as error:
        return _failure(call, to_s3_error(error))
    except S3Error as error:
        return _failure(call, error)
    assert isinstance(body, bytes), "patient work answers with whole documents"
    return body


def _failure(call: Call, error: S3Error) -> bytes:
    resource = header_text(call.request.raw_path)
    return error_document(error, resource, call.context.request_id, call.settings.host_id)


async def _cancel(task: asyncio.Future[Response]) -> None:
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
