"""uvicorn servers on inherited sockets, several in one process, stopped together.

uvicorn's own signal handling is left out: it would raise the signal again after its stop and skip our clean-up.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator
from typing import Any

import uvicorn
from uvicorn.protocols.http import httptools_impl

from anvil_site.asgi import Application
from anvil_site.node.acceptor import Acceptor
from anvil_site.node.listening import BACKLOG
from anvil_site.node.load_table import LoadTable

REQUEST_BUFFER_BYTES = 1 << 20
"""How much of a body uvicorn's own protocol reads ahead; its default of 64 KiB costs loop turns."""


class _QuietServer(uvicorn.Server):
    """Serves one inherited socket through our own acceptor; uvicorn's `startup` would take it for itself."""

    servers: list[Acceptor]  # type: ignore[assignment]

    def __init__(self, config: uvicorn.Config, load: LoadTable | None) -> None:
        super().__init__(config)
        self.accepting = asyncio.Event()
        self._load = load

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self.lifespan.startup()
        self.servers = [
            Acceptor(one, self._protocol, backlog=self.config.backlog, held=self._held, load=self._load)
            for one in sockets or ()
        ]
        for acceptor in self.servers:
            acceptor.start()
        self.started = True
        self.accepting.set()

    async def on_tick(self, counter: int) -> bool:
        for acceptor in self.servers:
            acceptor.publish()
        return await super().on_tick(counter)

    def _held(self) -> int:
        return len(self.server_state.connections)

    def _protocol(self) -> asyncio.Protocol:
        protocol_class: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = protocol_class(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class HttpServers:
    """`add` each, then `serve()`; `drain()` from the same loop lets requests finish and ends `serve()`."""

    def __init__(self, *, drain_seconds: float) -> None:
        httptools_impl.HIGH_WATER_LIMIT = REQUEST_BUFFER_BYTES  # type: ignore[attr-defined]
        self._drain_seconds = drain_seconds
        self._servers: list[tuple[_QuietServer, socket.socket]] = []

    def add(
        self,
        application: Application,
        descriptor: int,
        *,
        protocol: type[asyncio.Protocol] | None,
        behind_proxy: bool,
        load: LoadTable | None = None,
    ) -> None:
        """`protocol`: None is uvicorn's own. `behind_proxy`: believe X-Forwarded-* of a proxy on this machine.

        `load`: what the workers that share this socket tell each other, to share its connections evenly.
        """
        http: Any = protocol or "httptools"
        config = uvicorn.Config(
            application,
            http=http,
            ws="none",
            lifespan="off",
            interface="asgi3",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=protocol is None,
            proxy_headers=behind_proxy,
            backlog=BACKLOG,
            timeout_graceful_shutdown=_whole(self._drain_seconds),
        )
        self._servers.append((_QuietServer(config, load), socket.socket(fileno=descriptor)))

    async def serve(self) -> None:
        async with asyncio.TaskGroup() as group:
            for server, listening in self._servers:
                group.create_task(server.serve([listening]))

    async def started(self) -> None:
        """Returns once every server accepts connections."""
        for server, _ in self._servers:
            await server.accepting.wait()

    def set_drain_seconds(self, seconds: float) -> None:
        self._drain_seconds = seconds
        for server, _ in self._servers:
            server.config.timeout_graceful_shutdown = _whole(seconds)

    def drain(self) -> None:
        for server, _ in self._servers:
            server.should_exit = True


def _whole(seconds: float) -> int:
    return max(1, round(seconds))
