"""One HTTP/1.1 request and its reply, as ASGI `receive` and `send`.

uvicorn's `RequestResponseCycle` with three things changed: the head leaves together with the first piece of the body
(one segment for a small reply), body bytes are handed over without a second copy, and `send` after the client has
gone raises, so that an application does not read a large object to its end for nobody.

Must not know the parser or timers: `http1.py` feeds it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

from uvicorn._types import ASGI3Application, ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from anvil_site.listener.errors import ClientGone

logger = logging.getLogger(__name__)

PIECE_OVERHEAD_BYTES = 64
"""Charged for each buffered piece on top of its bytes: a body of tiny chunks must not cost unbounded memory."""
JOIN_BYTES = 32 * 1024
"""Up to this size head and body are copied into one buffer; above, the copy costs more than a second buffer."""


class Http1Cycle(RequestResponseCycle):
    """`buffered_bytes` and `awaiting_since` are read by the protocol for back-pressure and stall detection."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.buffered_bytes = 0
        self.awaiting_since: float | None = None
        self._pieces: list[bytes] = []
        self._end_delivered = False
        self._head = b""
        self._without_body = False

    # -- request -------------------------------------------------------------------------------------------------

    def feed(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self.buffered_bytes += len(piece) + PIECE_OVERHEAD_BYTES
        self.message_event.set()

    async def receive(self) -> ASGIReceiveEvent:
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        while not self.disconnected and not self.response_complete:
            if self._pieces or not (self.more_body or self._end_delivered):
                return self._next_message()
            self.flow.resume_reading()
            if not self._end_delivered:
                self.awaiting_since = asyncio.get_running_loop().time()
            self.message_event.clear()
            await self.message_event.wait()
            self.awaiting_since = None
        return {"type": "http.disconnect"}

    def _next_message(self) -> ASGIReceiveEvent:
        pieces, self._pieces, self.buffered_bytes = self._pieces, [], 0
        self._end_delivered = not self.more_body
        if self.more_body:
            self.flow.resume_reading()
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    def discard(self) -> None:
        """Nobody will read what is left of the body."""
        self._pieces.clear()
        self.buffered_bytes = 0

    # -- reply ---------------------------------------------------------------------------------------------------

    async def run_asgi(self, app: ASGI3Application) -> None:
        try:
            await app(self.scope, self.receive, self.send)
        except asyncio.CancelledError:
            self.transport.abort()
            raise
        except Exception as error:
            if self.disconnected:
                logger.debug("request ended after its client had gone", exc_info=error)
                return
            logger.exception("the application raised", extra={"method": self.scope["method"]})
            await self._fail()
        else:
            if not self.response_complete and not self.disconnected:
                logger.error("the application returned without completing its reply")
                await self._fail()
        finally:
            self.on_response = lambda: None
            if not self.response_complete:
                self.transport.close()

    async def _fail(self) -> None:
        if self.response_started and not self._head:
            return
        self._head, self.response_started, self.chunked_encoding = b"", False, None
        try:
            await self.send_500_response()
        except ClientGone:
            logger.debug("the client left before the failure could be told")

    async def send(self, message: ASGISendEvent) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected or (self.transport.is_closing() and not self.response_complete):
            raise ClientGone("the client closed the connection before the reply was complete")
        kind = message["type"]
        if not self.response_started:
            if kind != "http.response.start":
                raise RuntimeError(f"expected http.response.start, the application sent {kind}")
            self._start(cast("dict[str, Any]", message))
        elif self.response_complete or kind != "http.response.body":
            raise RuntimeError(
                f"unexpected {kind} after the reply was {'completed' if self.response_complete else 'begun'}"
            )
        else:
            body = cast("dict[str, Any]", message)
            self._body(body.get("body", b""), body.get("more_body", False))

    def _start(self, message: dict[str, Any]) -> None:
        """Builds the head and keeps it back for the first piece of the body."""
        status = message["status"]
        self._without_body = self.scope["method"] == "HEAD" or status in (204, 304)
        if self.waiting_for_100_continue and self.more_body:
            # The client may or may not send the body now: only a new connection is unambiguous (RFC 9110, 10.1.1).
            self.keep_alive = False
        self.waiting_for_100_continue = False
        lines = [STATUS_LINE[status][:-2]]
        closes = False
        for given_name, value in [*self.default_headers, *message.get("headers", ())]:
            name = given_name.lower()
            lines.append(name + b": " + value)
            if name == b"content-length" and self.chunked_encoding is None:
                self.expected_content_length = int(value)
                self.chunked_encoding = False
            elif name == b"transfer-encoding" and value.lower() == b"chunked":
                self.chunked_encoding = True
            elif name == b"connection" and b"close" in value.lower():
                closes, self.keep_alive = True, False
        if not self.keep_alive and not closes:
            lines.append(b"connection: close")
        if self.chunked_encoding is None and not self._without_body:
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked")
        head = b"\r\n".join(lines)
        if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1 or b"\0" in head:
            raise RuntimeError("a reply header holds CR, LF or NUL")
        self._head = head + b"\r\n\r\n"
        self.response_started = True

    def _body(self, body: bytes, more_body: bool) -> None:
        if self._without_body:
            buffers = [self._head]
            self.expected_content_length = 0
        elif self.chunked_encoding:
            buffers = [self._head]
            if body:
                buffers += (b"%x\r\n" % len(body), body, b"\r\n")
            if not more_body:
                buffers.append(b"0\r\n\r\n")
        else:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0:
                raise RuntimeError("the reply's body is longer than its content-length")
            buffers = [self._head, body]
        self._head = b""
        self._write([buffer for buffer in buffers if len(buffer)])
        if more_body:
            return
        if self.expected_content_length > 0:
            raise RuntimeError("the reply's body is shorter than its content-length")
        self.response_complete = True
        self.discard()
        self.message_event.set()
        if not self.keep_alive and not self.more_body:
            self.transport.close()
        self.on_response()

    def _write(self, buffers: list[bytes]) -> None:
        if not buffers:
            return
        if len(buffers) == 1:
            self.transport.write(buffers[0])
        elif sum(map(len, buffers)) <= JOIN_BYTES:
            self.transport.write(b"".join(buffers))
        else:
            self.transport.writelines(buffers)
