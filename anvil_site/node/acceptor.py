"""Takes connections from a listening socket that several workers share, so that each gets its part of them.

An event loop's own server takes all that wait at once: of sixteen clients that connect together the first worker to
wake up gets sixteen, and the others stay idle for as long as those connections live. Here a worker takes one a turn,
and one that holds more than its least loaded neighbour waits a moment first. Must not know what is served.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable

from anvil_site.node.load_table import LoadTable

logger = logging.getLogger(__name__)

YIELD_SECONDS = 0.002
"""How long a worker leaves a connection to a neighbour that holds fewer; then it takes it all the same."""
RETRY_SECONDS = 0.5
"""How long nothing is taken after the process ran out of descriptors or memory: the kernel keeps who waits."""
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Acceptor:
    """Made and started on the loop it serves. `close` and `wait_closed` are those of `asyncio.Server`."""

    def __init__(
        self,
        listening: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        *,
        backlog: int,
        held: Callable[[], int],
        load: LoadTable | None = None,
    ) -> None:
        """`held` counts the connections this worker serves now."""
        self._loop = asyncio.get_running_loop()
        self._listening = listening
        self._protocol = protocol
        self._backlog = backlog
        self._held = held
        self._load = load
        self._arriving: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._closed = False

    def start(self) -> None:
        self._listening.setblocking(False)
        self._listening.listen(self._backlog)
        self._loop.add_reader(self._listening, self._take_in_turn)

    def publish(self) -> None:
        """Tells the neighbours; also to be called now and then, as connections end unseen."""
        if self._load is not None:
            self._load.publish(self._count())

    def close(self) -> None:
        """Takes no more; what was taken goes on. The socket stays open: it belongs to whoever made it."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._listening)
        if self._pause is not None:
            self._pause.cancel()

    async def wait_closed(self) -> None:
        while self._arriving:
            await asyncio.wait(self._arriving)

    def _count(self) -> int:
        return self._held() + len(self._arriving)

    def _take_in_turn(self) -> None:
        if self._load is not None:
            least = self._load.least_of_others()
            if least is not None and self._count() > least:
                self._pause_for(YIELD_SECONDS)
                return
        self._take()

    def _take(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another worker was faster, or the client left again
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            logger.error("No connection can be taken: %s; trying again", error.strerror)
            self._pause_for(RETRY_SECONDS)
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        arriving = self._loop.create_task(self._connect(connection))
        self._arriving.add(arriving)
        arriving.add_done_callback(self._arriving.discard)
        self.publish()

    async def _connect(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError as error:
            connection.close()
            logger.info("A connection ended before it began: %s", error)

    def _pause_for(self, seconds: float) -> None:
        if self._pause is None:
            self._loop.remove_reader(self._listening)
            self._pause = self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listening, self._take_in_turn)
        self._take()
