"""Drives an ASGI application without a server: one request in, the messages it sent out.

Plays the client as well: body in pieces, never sending the rest, leaving, not reading.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from s3gateway.request import S3Request


@dataclass
class Reply:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    messages: list[dict[str, Any]] = field(default_factory=list)
    complete: bool = False
    """Whether the last message of the body was sent; False: the server cuts the connection."""

    @property
    def xml(self) -> ElementTree.Element:
        return ElementTree.fromstring(self.body)

    @property
    def error(self) -> str:
        return self.xml.findtext("Code") or ""


class Exchange:
    """One request and its reply. `pieces` is the body as the server hands it on.

    `stalls`: after `pieces` the client sends nothing more. `leaves`: after `pieces` it is gone.
    """

    def __init__(
        self,
        request: S3Request,
        pieces: Sequence[bytes] = (),
        *,
        stalls: bool = False,
        leaves: bool = False,
        http_version: str = "1.1",
    ) -> None:
        self.scope = {
            "type": "http",
            "http_version": http_version,
            "method": request.method,
            "scheme": "http",
            "path": request.raw_path.decode("latin-1"),
            "raw_path": request.raw_path,
            "query_string": request.raw_query,
            "headers": [(name, value) for name, value in request.headers.items()],
            "client": ("192.0.2.7", 4711),
        }
        self.reply = Reply()
        self.received = 0
        self.gone = asyncio.Event()
        self.taking = asyncio.Event()
        """Cleared: the client does not read, `send` waits."""
        self.taking.set()
        self._pieces = list(pieces)
        self._stalls = stalls
        self._leaves = leaves
        self._ended = False

    async def receive(self) -> dict[str, Any]:
        self.received += 1
        if self._pieces:
            piece = self._pieces.pop(0)
            self._ended = not self._pieces and not (self._stalls or self._leaves)
            return {"type": "http.request", "body": piece, "more_body": not self._ended}
        if self._leaves:
            return {"type": "http.disconnect"}
        if not self._ended and not self._stalls:
            self._ended = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        await self.taking.wait()
        if self.gone.is_set():
            raise ConnectionResetError("the client is gone")
        reply = self.reply
        reply.messages.append(message)
        if message["type"] == "http.response.start":
            assert not reply.status, "two heads were sent"
            reply.status = message["status"]
            reply.headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
        else:
            assert reply.status, "a body was sent before the head"
            assert not reply.complete, "a body was sent after its end"
            reply.body += bytes(message.get("body", b""))
            reply.complete = not message.get("more_body", False)


async def exchange(app: Any, request: S3Request, pieces: Sequence[bytes] = (), **options: Any) -> Reply:
    """Runs one request in a task of its own, as servers do."""
    one = Exchange(request, pieces, **options)
    await asyncio.create_task(app(one.scope, one.receive, one.send))
    return one.reply
