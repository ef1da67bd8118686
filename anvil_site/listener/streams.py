"""One HTTP/2 stream: a request body that flows in under its window and a reply that flows out under the peer's.

`asgi_exchange.py` and `grpc_bridge.py` speak through it. A stream is over when its handler has returned, its reply has
been handed to the socket (or reset) and its request has ended (or been given up). Must not know ASGI messages, gRPC
or sockets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from h2.errors import ErrorCodes

from anvil_site.listener.errors import ClientGone
from anvil_site.listener.inbox import Inbox
from anvil_site.listener.request_head import RequestHead

if TYPE_CHECKING:
    from anvil_site.listener.http2 import Http2Protocol

_NOTHING = memoryview(b"")


class Stream:
    def __init__(self, owner: Http2Protocol, stream_id: int, head: RequestHead) -> None:
        self.id = stream_id
        self.head = head
        self._owner = owner
        self._connection = owner.connection
        self._inbox = Inbox()
        self._received_bytes = 0
        self._changed = asyncio.Event()
        self._waiting = 0
        self._drain_waiter: asyncio.Future[None] | None = None
        self._drop_bytes = 0
        self.unsent = _NOTHING
        self.unsent_ends = False
        self.queued = False
        self.request_ended = False
        self.reply_begun = False
        self.reply_ended = False
        self.gone = False
        """Reset by either side, or the connection is lost."""
        self.handler_done = False
        self.moved_seconds = owner.now()
        """When bytes last moved, or when we began to wait for that."""

    # -- request -------------------------------------------------------------------------------------------------

    def data(self, piece: memoryview) -> None:
        """A piece of the body has arrived; its length has been charged to the windows."""
        self._received_bytes += len(piece)
        self.moved_seconds = self._owner.now()
        expected = self.head.content_length
        if expected is not None and self._received_bytes > expected:
            self._malformed()
        elif self.reply_ended:
            self._drop(len(piece))
        else:
            self._inbox.put(piece)
            self._wake()

    def end_of_request(self) -> None:
        expected = self.head.content_length
        if expected is not None and self._received_bytes != expected:
            self._malformed()
            return
        self.request_ended = True
        self._wake()
        self._owner.settle(self)

    def _malformed(self) -> None:
        """The body is not as long as content-length says (RFC 9113, 8.1.1)."""
        self._owner.reset(self, ErrorCodes.PROTOCOL_ERROR)

    def _drop(self, count: int) -> None:
        """After an early answer a bounded rest of the body is read and thrown away, so that the client, busy sending,
        gets to see the answer; then it is told to stop."""
        self._drop_bytes += count
        if self._drop_bytes > self._owner.limits.linger_bytes:
            self.stop_request()
        else:
            self._connection.consumed(self.id, count)
            self._owner.outlet.touch()

    def stop_request(self) -> None:
        """Tells the client that the rest of its body is not wanted (RFC 9113, 8.1)."""
        if not self.request_ended and not self.gone:
            self._owner.reset(self, ErrorCodes.NO_ERROR)

    @property
    def awaiting_body(self) -> bool:
        return self._waiting > 0 and not self.request_ended

    async def read(self) -> bytes:
        """The next bytes of the body, as many as there are; b"" at its end. Raises `ClientGone`."""
        while True:
            if self.gone:
                raise ClientGone("the client cancelled the request")
            if self._inbox.size:
                count = self._inbox.size
                body = self._inbox.take()
                if not self.request_ended:
                    self._connection.consumed(self.id, count)
                    self._owner.outlet.touch()
                return body
            if self.request_ended:
                return b""
            await self._wait()

    @property
    def at_end(self) -> bool:
        """Nothing more will be read."""
        return self.request_ended and not self._inbox.size

    async def wait_gone(self) -> None:
        """Until the stream is over for its handler: reset, lost, or answered."""
        while not self.gone and not self.reply_ended:
            await self._wait()

    async def _wait(self) -> None:
        self.moved_seconds = self._owner.now()
        self._changed.clear()
        self._waiting += 1
        try:
            await self._changed.wait()
        finally:
            self._waiting -= 1

    def _wake(self) -> None:
        self._changed.set()

    # -- reply ---------------------------------------------------------------------------------------------------

    def send_continue(self) -> None:
        if not self.gone and not self.reply_begun:
            self._connection.send_informational(self.id, b"100")
            self._owner.outlet.touch()

    def send_head(self, headers: Sequence[tuple[bytes, bytes]], *, end: bool = False) -> None:
        """`headers` begins with `:status`; names are lower case."""
        self._check_open()
        self._connection.send_block(self.id, headers, end=end)
        self.reply_begun = True
        if end:
            self._reply_complete()
        self._owner.outlet.touch()

    async def write(self, data: bytes | memoryview, *, end: bool = False) -> None:
        """Takes one piece of the reply's body; waits while the one before has not left. The bytes must not change
        afterwards: they are sent from where they are."""
        if self.unsent:
            await self._drained()
        self._check_open()
        if data:
            self.unsent = memoryview(data).cast("B") if isinstance(data, memoryview) else memoryview(data)
            self.unsent_ends = end
            self.moved_seconds = self._owner.now()
            self._owner.outlet.enqueue(self)
        elif end:
            self._owner.outlet.end(self)
            self._reply_complete()

    async def send_trailers(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        if self.unsent:
            await self._drained()
        self._check_open()
        self._connection.send_block(self.id, headers, end=True)
        self._reply_complete()
        self._owner.outlet.touch()

    def _check_open(self) -> None:
        if self.gone:
            raise ClientGone("the client cancelled the request")
        if self.reply_ended:
            raise RuntimeError("the reply is complete already")

    async def _drained(self) -> None:
        self._drain_waiter = self._owner.loop.create_future()
        try:
            await self._drain_waiter
        finally:
            self._drain_waiter = None

    def sent(self, count: int) -> None:
        """Called by the outlet."""
        self.moved_seconds = self._owner.now()
        if count < len(self.unsent):
            self.unsent = self.unsent[count:]
            return
        self.unsent = _NOTHING
        if self._drain_waiter is not None and not self._drain_waiter.done():
            self._drain_waiter.set_result(None)
        if self.unsent_ends:
            self._reply_complete()

    def _reply_complete(self) -> None:
        self.reply_ended = True
        self._wake()
        unread = self._inbox.clear()
        if not self.request_ended:
            self._drop(unread)
            if not self.gone:
                self._owner.loop.call_later(self._owner.limits.linger_seconds, self.stop_request)
        self._owner.settle(self)

    # -- end -----------------------------------------------------------------------------------------------------

    def lost(self) -> None:
        """Reset by either side, or the connection is gone: wakes whoever waits."""
        if self.gone:
            return
        self.gone = self.request_ended = self.reply_ended = True
        self.unsent = _NOTHING
        self._inbox.clear()
        self._wake()
        if self._drain_waiter is not None and not self._drain_waiter.done():
            self._drain_waiter.set_result(None)
        self._owner.settle(self)

    def abandon(self, code: int) -> None:
        """Gives the stream up: the client is told by RST_STREAM."""
        if not self.gone:
            self._owner.reset(self, code)

    @property
    def over(self) -> bool:
        return self.handler_done and self.reply_ended and self.request_ended
