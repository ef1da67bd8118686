"""The way out of one HTTP/2 connection: whose turn it is, and few large writes instead of many small ones.

Streams that have bytes and window queue up; each writes a quantum and goes to the end of the queue, so a large reply
cannot starve the others. A stream without window is not in the queue and costs nothing. Must not know ASGI or gRPC.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from anvil_site.listener.h2_connection import Buffers, ServerConnection
from anvil_site.listener.limits import Limits

FLUSH_BYTES = 64 * 1024
"""From here on the socket is written at once; less waits for the end of the loop's turn, to leave together."""
JOIN_BYTES = 32 * 1024
"""Up to this size one copy costs less than a vectored write."""


class Sender(Protocol):
    """A stream as the outlet sees it. `queued` is the outlet's own mark: a stream has one place in the queue."""

    id: int
    queued: bool
    unsent: memoryview
    unsent_ends: bool

    def sent(self, count: int) -> None: ...


class Outlet:
    def __init__(
        self,
        transport: asyncio.Transport,
        connection: ServerConnection,
        loop: asyncio.AbstractEventLoop,
        limits: Limits,
    ) -> None:
        self._transport = transport
        self._connection = connection
        self._loop = loop
        self._quantum_bytes = limits.quantum_bytes
        self._queue: deque[Sender] = deque()
        self._buffers: Buffers = []
        self._buffered_bytes = 0
        self._flush_handle: asyncio.Handle | None = None
        self._paused = False
        self.sent_bytes = 0
        """DATA bytes since the connection began."""

    def enqueue(self, stream: Sender) -> None:
        """The stream has bytes to send, or has been given window for them."""
        if not stream.queued:
            stream.queued = True
            self._queue.append(stream)
        self.pump()

    def forget(self, stream: Sender) -> None:
        if stream.queued:
            stream.queued = False
            self._queue.remove(stream)

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self.pump()

    def pump(self) -> None:
        """Gives turns until the queue is empty or the socket or the connection's window is full."""
        connection, queue = self._connection, self._queue
        while queue and not self._paused and connection.outbound_flow_control_window > 0:
            stream = queue.popleft()
            stream.queued = False
            count = min(len(stream.unsent), connection.send_window(stream.id), self._quantum_bytes)
            if count <= 0:
                continue
            self._collect_control()
            data = stream.unsent
            ends = stream.unsent_ends and count == len(data)
            connection.write_data(stream.id, data[:count], self._buffers, end=ends)
            self._buffered_bytes += count
            self.sent_bytes += count
            stream.sent(count)
            if len(stream.unsent) and not stream.queued:
                stream.queued = True
                queue.append(stream)
            if self._buffered_bytes >= FLUSH_BYTES:
                self.flush()
        self.touch()

    def end(self, stream: Sender) -> None:
        """END_STREAM in a DATA frame without bytes, which needs no window."""
        self._collect_control()
        self._connection.write_data(stream.id, memoryview(b""), self._buffers, end=True)
        self.touch()

    def touch(self) -> None:
        """Something may wait to be sent: sends it at the end of this turn of the loop."""
        if self._flush_handle is None:
            self._flush_handle = self._loop.call_soon(self.flush)

    def flush(self) -> None:
        if self._flush_handle is not None:
            self._flush_handle.cancel()
            self._flush_handle = None
        self._collect_control()
        if not self._buffers:
            return
        buffers, self._buffers, self._buffered_bytes = self._buffers, [], 0
        if self._transport.is_closing():
            return
        if len(buffers) == 1:
            self._transport.write(buffers[0])
        elif sum(map(len, buffers)) <= JOIN_BYTES:
            self._transport.write(b"".join(buffers))
        else:
            self._transport.writelines(buffers)

    def _collect_control(self) -> None:
        """What h2 has made ready goes before the DATA that follows."""
        output = self._connection.take_output()
        if output:
            self._buffers.append(output)
