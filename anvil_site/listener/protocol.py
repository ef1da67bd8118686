"""One port: looks at the first bytes of a connection and hands it to HTTP/1.1 or HTTP/2.

`MuxProtocol` is a class for uvicorn's `http=`; `mux_protocol()` makes one with other bounds or with gRPC behind it.
Knows how to tell the protocols apart and nothing of either.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from anvil_site.listener.census import Census
from anvil_site.listener.h2_connection import PREFACE
from anvil_site.listener.http1 import Http1Protocol
from anvil_site.listener.http2 import Http2Protocol, StreamHandler
from anvil_site.listener.limits import Limits


def is_http2(start: bytes) -> bool | None:
    """Whether a connection that begins so speaks HTTP/2; None while it could still be either."""
    if len(start) < len(PREFACE):
        return None if PREFACE.startswith(start) else False
    return start.startswith(PREFACE)


class MuxProtocol(asyncio.Protocol):
    """Reads until the protocol is known, then swaps itself for the right one and feeds it what was read."""

    limits: ClassVar[Limits] = Limits()
    grpc: ClassVar[StreamHandler | None] = None
    census: ClassVar[Census] = Census()

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._arguments: tuple[Any, ...] = (config, server_state, app_state, _loop)
        self._connections: set[Any] = server_state.connections
        self._loop = _loop or asyncio.get_event_loop()
        self._start = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self._transport = transport = cast("asyncio.Transport", transport)
        if len(self._connections) >= self.limits.max_connections:
            self.census.refused("connections")
            transport.abort()
            return
        self._connections.add(self)
        self._timer = self._loop.call_later(self.limits.first_bytes_seconds, self._expire)

    def data_received(self, data: bytes) -> None:
        self._start += data
        http2 = is_http2(self._start)
        if http2 is None:
            return
        self._leave()
        transport, start = self._transport, self._start
        assert transport is not None
        protocol: Http1Protocol | Http2Protocol
        if http2:
            protocol = Http2Protocol(*self._arguments, limits=self.limits, census=self.census, handler=self.grpc)
            start = start[len(PREFACE) :]
        else:
            protocol = Http1Protocol(*self._arguments, limits=self.limits, census=self.census)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if start:
            protocol.data_received(start)

    def _expire(self) -> None:
        assert self._transport is not None
        self.census.refused("timeout")
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()

    def _leave(self) -> None:
        self._connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def shutdown(self) -> None:
        """uvicorn stops: nothing has been asked of us on this connection yet."""
        if self._transport is not None:
            self._transport.close()


def mux_protocol(limits: Limits | None = None, grpc: StreamHandler | None = None) -> type[MuxProtocol]:
    """A `MuxProtocol` with bounds of its own and, for content type application/grpc, a handler."""

    class BoundMuxProtocol(MuxProtocol):
        pass

    BoundMuxProtocol.limits = limits or Limits()
    BoundMuxProtocol.grpc = grpc
    BoundMuxProtocol.census = Census()
    return BoundMuxProtocol
