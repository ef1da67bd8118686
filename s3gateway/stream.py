"""`RequestStream`: the bytes of a request body as they come from the ASGI server, counted and bounded by the server.

The only place that calls `receive`. `s3gateway.body` takes its framing off; `s3gateway.app` drains what nobody read.
Must not know: framing, checksums, operations.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Touch = Callable[[], None]


class ClientDisconnected(Exception):
    """The client went away before its request was complete; nobody is left to answer."""


def _untouched() -> None:
    return None


class RequestStream:
    """`await read()` gives the next piece, never empty, and b"" once at the end and ever after.

    The first `read` is what makes the server send `100 Continue`. `touch` is called at each piece: progress.
    """

    __slots__ = ("_receive", "_touch", "finished", "given_up", "received_bytes", "started", "waiting")

    def __init__(self, receive: Receive, touch: Touch = _untouched) -> None:
        self._receive = receive
        self._touch = touch
        self.started = False
        """Whether anything was asked for: until then the client may still wait for 100 Continue."""
        self.finished = False
        """Whether the last byte was taken from the server."""
        self.waiting = False
        """Whether the client is being waited for right now."""
        self.given_up = False
        """Whether the client is not worth waiting for any more: it stalled."""
        self.received_bytes = 0

    async def read(self) -> bytes:
        """Raises `ClientDisconnected` where the connection ended before the body did."""
        self.started = True
        while not self.finished:
            self.waiting = True
            message = await self._receive()
            self.waiting = False
            if message["type"] != "http.request":
                raise ClientDisconnected
            if not message.get("more_body", False):
                self.finished = True
            self._touch()
            piece: bytes = message.get("body", b"")
            if piece:
                self.received_bytes += len(piece)
                return piece
        return b""

    async def disconnected(self) -> None:
        """Returns when the client is gone (or the reply is complete). Only once nothing of the body is missing."""
        while (await self._receive())["type"] == "http.request":
            pass
