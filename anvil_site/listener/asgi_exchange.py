"""An ASGI request and reply over one HTTP/2 stream.

Must not know frames and windows: `streams.py` does.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from h2.errors import ErrorCodes

from anvil_site.listener.errors import ClientGone
from anvil_site.listener.streams import Stream

logger = logging.getLogger(__name__)

Message = dict[str, Any]
AsgiApp = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

_NOT_IN_HTTP2 = frozenset((b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"))
_FORBIDDEN_BYTES = re.compile(rb"[\0\r\n]").search


def reply_block(status: int, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """A reply's header list as HTTP/2 wants it."""
    block = [(b":status", b"%d" % status)]
    for name, value in headers:
        lowered = name.lower()
        if lowered not in _NOT_IN_HTTP2:
            block.append((lowered, value))
    if _FORBIDDEN_BYTES(b"".join([part for field in block for part in field])):
        raise RuntimeError("a reply header holds CR, LF or NUL")
    return block


class AsgiExchange:
    """Runs the application once. `default_headers` go before the application's own, as uvicorn does."""

    def __init__(self, stream: Stream, scope: Message, default_headers: list[tuple[bytes, bytes]]) -> None:
        self._stream = stream
        self._scope = scope
        self._default_headers = default_headers
        self._continue_due = stream.head.expects_continue
        self._end_delivered = False
        self._head: list[tuple[bytes, bytes]] | None = None
        self._started = False
        self._left_bytes: int | None = None
        """What content-length promises and has not been sent."""
        self._without_body = False

    async def run(self, app: AsgiApp) -> None:
        stream = self._stream
        try:
            await app(self._scope, self.receive, self.send)
        except Exception as error:
            if stream.gone:
                logger.debug("request ended after its client had gone", exc_info=error)
                return
            logger.exception("the application raised", extra={"method": stream.head.method})
        else:
            if stream.reply_ended or stream.unsent_ends or stream.gone:
                return
            logger.error("the application returned without completing its reply")
        self._fail()

    def _fail(self) -> None:
        stream = self._stream
        if stream.reply_begun or stream.gone:
            stream.abandon(ErrorCodes.INTERNAL_ERROR)
        else:
            stream.send_head(reply_block(500, [*self._default_headers, (b"content-length", b"0")]), end=True)

    async def receive(self) -> Message:
        stream = self._stream
        if self._continue_due and not stream.at_end:
            stream.send_continue()
        self._continue_due = False
        if self._end_delivered or stream.reply_ended:
            await stream.wait_gone()
            return {"type": "http.disconnect"}
        try:
            body = await stream.read()
        except ClientGone:
            return {"type": "http.disconnect"}
        self._end_delivered = stream.at_end
        return {"type": "http.request", "body": body, "more_body": not self._end_delivered}

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if self._stream.gone:
            raise ClientGone("the client cancelled the request")
        if not self._started:
            if kind != "http.response.start":
                raise RuntimeError(f"expected http.response.start, the application sent {kind}")
            self._start(message)
        elif kind != "http.response.body":
            raise RuntimeError(f"unexpected {kind} after the reply was begun")
        else:
            await self._body(message.get("body", b""), more_body=message.get("more_body", False))

    def _start(self, message: Message) -> None:
        """Keeps the head back for the first piece of the body: a reply without one ends with its head."""
        status = message["status"]
        headers = [*self._default_headers, *message.get("headers", ())]
        self._without_body = self._stream.head.method == "HEAD" or status in (204, 304)
        length = next((value for name, value in headers if name.lower() == b"content-length"), None)
        self._left_bytes = None if length is None or self._without_body else int(length)
        self._head = reply_block(status, headers)
        self._started = True
        self._continue_due = False

    async def _body(self, body: bytes | memoryview, *, more_body: bool) -> None:
        stream = self._stream
        if self._without_body:
            body = b""
        if self._left_bytes is not None:
            self._left_bytes -= len(body)
            if self._left_bytes < 0:
                raise RuntimeError("the reply's body is longer than its content-length")
            if self._left_bytes and not more_body:
                raise RuntimeError("the reply's body is shorter than its content-length")
        if self._head is not None:
            head, self._head = self._head, None
            ends = not more_body and not body
            stream.send_head(head, end=ends)
            if ends:
                return
        await stream.write(body, end=not more_body)


def request_scope(stream: Stream, client: Any, server: Any, state: Message, root_path: str) -> Message:
    head = stream.head
    path = unquote_to_bytes(head.raw_path) if b"%" in head.raw_path else head.raw_path
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "2",
        "method": head.method,
        "scheme": head.scheme,
        "path": root_path + path.decode("utf-8", "replace"),
        "raw_path": root_path.encode() + head.raw_path,
        "query_string": head.query,
        "root_path": root_path,
        "headers": head.headers,
        "client": client,
        "server": server,
        "state": state,
    }
