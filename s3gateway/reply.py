"""`Reply`: one response on its way out, as ASGI messages: under back-pressure, whole or visibly broken off.

A small reply is two messages without a pause between them, so that a server can send it as one segment. A reply whose
body fails or falls short after its head was sent is never ended: the server must then cut the connection.
Must not know: what is being sent, or why.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from s3gateway.accounting import Outcome
from s3gateway.flights import Flight
from s3gateway.operations.call import Headers, Piece, Response
from s3gateway.request import S3Request
from s3gateway.settings import GatewaySettings
from s3gateway.stream import ClientDisconnected, RequestStream
from s3gateway.unread import Remainder, drain, remainder

Send = Callable[[dict[str, Any]], Awaitable[None]]

_WITHOUT_LENGTH = frozenset({204, 304})
_CLOSE = (b"connection", b"close")


class ReplyCut(Exception):
    """The head was sent and the body cannot follow it: whoever called must leave the reply unfinished."""


class Reply:
    __slots__ = ("_flight", "_outcome", "_request", "_send", "_settings", "_stream")

    def __init__(  # noqa: PLR0917  one caller, on the hot path
        self,
        send: Send,
        request: S3Request,
        stream: RequestStream,
        flight: Flight,
        outcome: Outcome,
        settings: GatewaySettings,
    ) -> None:
        self._send = send
        self._request = request
        self._stream = stream
        self._flight = flight
        self._outcome = outcome
        self._settings = settings

    async def deliver(self, response: Response, headers: Headers) -> None:
        """`headers` are all but Content-Length and Connection. Raises `ReplyCut`, `ClientDisconnected`."""
        request, status, body = self._request, response.status, response.body
        unread = Remainder.NOTHING
        if not self._stream.finished:
            unread = await remainder(request, self._stream, self._settings)
        without_body = request.method == "HEAD"
        length = response.content_length
        if length is None and isinstance(body, bytes) and not without_body:
            length = len(body)
        if length is not None and status not in _WITHOUT_LENGTH:
            headers.append((b"content-length", b"%d" % length))
        if unread is not Remainder.NOTHING and request.http_version.startswith("1"):
            headers.append(_CLOSE)
        self._outcome.code = str(status)
        await self._pass_on({"type": "http.response.start", "status": status, "headers": headers})
        if isinstance(body, bytes):
            await self._whole(b"" if without_body else body, unread)
        else:
            try:
                await (self._last(b"") if without_body else self._pieces(body, length))
            finally:
                close = getattr(body, "aclose", None)
                if close is not None:
                    await close()

    async def _whole(self, body: bytes, unread: Remainder) -> None:
        self._outcome.first_byte()
        self._outcome.sent_bytes = len(body)
        if unread is Remainder.SENT_ON and body:
            # The client is still sending: let it see the reply before the connection is closed under it.
            await self._pass_on({"type": "http.response.body", "body": body, "more_body": True})
            await drain(self._stream, self._settings.drain_after_reply_bytes, self._settings.drain_seconds)
            body = b""
        await self._last(body)

    async def _pieces(self, body: AsyncIterator[Piece], length: int | None) -> None:
        """Each piece waits until the client took the ones before; the last one ends the reply."""
        outcome = self._outcome
        last: Piece = b""
        sent = 0
        try:
            async for piece in body:
                size = len(piece)
                if not size:
                    continue
                if not sent:
                    outcome.first_byte()
                sent += size
                outcome.sent_bytes = sent
                if length is not None and sent >= length:
                    last = piece
                    break
                await self._pass_on({"type": "http.response.body", "body": piece, "more_body": True})
        except ClientDisconnected:
            raise
        except Exception as error:
            raise ReplyCut("its body failed after its head was sent") from error
        if length is not None and sent != length:
            raise ReplyCut(f"{length} bytes were announced, the body has {sent}")
        await self._last(last)

    async def _last(self, piece: Piece) -> None:
        self._flight.landing = True
        await self._pass_on({"type": "http.response.body", "body": piece, "more_body": False})

    async def _pass_on(self, message: dict[str, Any]) -> None:
        flight = self._flight
        flight.sending = True
        flight.touch()
        try:
            await self._send(message)
        except OSError as error:  # what ASGI servers raise once the client is gone
            raise ClientDisconnected from error
        flight.sending = False
        flight.touch()
