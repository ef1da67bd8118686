"""HTTP/2 on one connection: frames in, streams to their handlers, bounds on what the peer may cost us.

Joins the parts: `frames.py` cuts, `h2_connection.py` keeps the protocol's state, `streams.py` are the requests,
`outlet.py` writes. Must not know what ASGI or gRPC messages look like.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from typing import Any, Protocol

from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    Event,
    PingAckReceived,
    RequestReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.utils import get_local_addr, get_remote_addr
from uvicorn.server import ServerState

from anvil_site.listener.asgi_exchange import AsgiApp, AsgiExchange, request_scope
from anvil_site.listener.census import Census
from anvil_site.listener.errors import FrameError
from anvil_site.listener.floods import FloodGuard
from anvil_site.listener.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_STREAM,
    HEADER_BYTES,
    PING,
    PRIORITY,
    SETTINGS,
    WINDOW_UPDATE,
    FrameSplitter,
)
from anvil_site.listener.h2_connection import LAST_STREAM_UNKNOWN, ServerConnection
from anvil_site.listener.limits import Limits
from anvil_site.listener.outlet import Outlet
from anvil_site.listener.request_head import MalformedRequest, check_trailers, parse_request_head
from anvil_site.listener.streams import Stream

logger = logging.getLogger(__name__)

SMALL_FRAME_BYTES = 256
_DRAIN_PING = b"draining"
_ALIVE_PING = b"alive? \n"


class StreamHandler(Protocol):
    """Takes streams of one content type away from the ASGI application (gRPC)."""

    def wants(self, stream: Stream) -> bool: ...

    async def handle(self, stream: Stream) -> None: ...


class Http2Protocol(asyncio.Protocol):
    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: Limits,
        census: Census,
        handler: StreamHandler | None = None,
    ) -> None:
        if not config.loaded:
            config.load()
        self.limits = limits
        self._census = census
        self.loop = _loop or asyncio.get_event_loop()
        self.now = self.loop.time
        self.connection = ServerConnection(limits)
        self.outlet: Outlet
        self._config = config
        self._app: AsgiApp = config.loaded_app
        self._state = server_state
        self._app_state = app_state
        self._handler = handler
        self._streams: dict[int, Stream] = {}
        self._splitter = FrameSplitter(limits)
        self._transport: asyncio.Transport
        self.limit_settled = limits.settled_streams >= limits.max_streams
        self._busiest = 0
        """The most streams that were open at a time since the last look."""
        self._draining = False
        self._final_goaway_sent = False
        self._peer_leaves = False
        self._broken = False
        now = self.now()
        self._floods = FloodGuard(limits, now)
        self._received_at = self._drained_at = self._idle_since = now
        self._unsent_bytes = 0
        self._pinged_at: float | None = None
        self._tick_timer: asyncio.TimerHandle | None = None

    # -- connection ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._census.joined("http2")
        self._state.connections.add(self)  # type: ignore[arg-type]
        self._client, self._server = get_remote_addr(transport), get_local_addr(transport)
        transport.set_write_buffer_limits(high=self.limits.write_buffer_bytes)
        self.outlet = Outlet(transport, self.connection, self.loop, self.limits)
        self._tick_timer = self.loop.call_later(self.limits.tick_seconds(), self._tick)
        self.connection.open()
        self.outlet.flush()
        if not self.limit_settled:
            self.loop.call_later(self.limits.settling_seconds, self._settle_limit)

    def _settle_limit(self) -> None:
        """Advertises `settled_streams` if the connection has been quiet, else looks again later."""
        busiest, self._busiest = self._busiest, len(self._streams)
        if self._broken or self._draining:
            return
        if busiest > self.limits.settled_streams // 2:
            self.loop.call_later(self.limits.settling_seconds, self._settle_limit)
            return
        self.limit_settled = True
        self.connection.advertise_streams(self.limits.settled_streams)
        self.outlet.touch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._broken = True
        self._state.connections.discard(self)
        if self._tick_timer is not None:
            self._tick_timer.cancel()
        for stream in list(self._streams.values()):
            stream.lost()
        self._census.left("http2")

    def pause_writing(self) -> None:
        self.outlet.pause()

    def resume_writing(self) -> None:
        self._drained_at = self.now()
        self.outlet.resume()

    def shutdown(self) -> None:
        """uvicorn's graceful stop: requests that are here or on their way are served, then the connection closes."""
        if self._draining or self._broken:
            return
        self._draining = True
        self.connection.go_away(ErrorCodes.NO_ERROR, LAST_STREAM_UNKNOWN)
        self.connection.ping(_DRAIN_PING)
        self.outlet.flush()
        self.loop.call_later(self.limits.drain_ping_seconds, self._final_goaway)

    def _final_goaway(self) -> None:
        if self._final_goaway_sent or self._broken:
            return
        self._final_goaway_sent = True
        self.connection.go_away(ErrorCodes.NO_ERROR, self.connection.highest_inbound_stream_id)
        self.outlet.touch()
        self._close_if_finished()

    def _close_if_finished(self) -> None:
        if not self._streams and (self._final_goaway_sent or self._peer_leaves) and not self._broken:
            self._hang_up()

    def _end_connection(self, code: int, reason: str) -> None:
        self._census.refused("flood" if code == ErrorCodes.ENHANCE_YOUR_CALM else "malformed")
        logger.info("HTTP/2 connection ended: %s", reason, extra={"peer": self._client, "error_code": int(code)})
        self.connection.go_away(code, self.connection.highest_inbound_stream_id, reason)
        self._hang_up()

    def _hang_up(self) -> None:
        """Ends our side and reads on for a moment, unheeding: closing with unread input would reset away what we have
        sent and the peer has not read yet."""
        self._broken = True
        self.outlet.flush()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self.loop.call_later(self.limits.linger_seconds, self._transport.close)
        for stream in list(self._streams.values()):
            stream.lost()

    def _abort(self, reason: str) -> None:
        self._census.refused("timeout")
        logger.info("HTTP/2 connection aborted: %s", reason, extra={"peer": self._client})
        self._transport.abort()

    # -- input ---------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._broken:
            return
        self._received_at = self.now()
        self._pinged_at = None
        try:
            for kind, flags, stream_id, piece, length, complete in self._splitter.feed(data):
                if kind == DATA:
                    self._data(flags, stream_id, memoryview(piece), length, complete)
                elif kind == WINDOW_UPDATE:
                    self._window_update(stream_id, piece)
                else:
                    self._other(kind, flags, piece)
                if self._broken:
                    return
        except FrameError as error:
            self._end_connection(error.code, str(error))
        except ProtocolError as error:
            self._census.refused("malformed")
            logger.info("HTTP/2 connection ended: %s", error, extra={"peer": self._client})
            self._hang_up()  # h2 has made the GOAWAY
        except Exception:
            logger.exception("HTTP/2 input could not be processed", extra={"peer": self._client})
            self._end_connection(ErrorCodes.INTERNAL_ERROR, "internal error")
        else:
            self.outlet.touch()

    def _data(self, flags: int, stream_id: int, piece: memoryview, length: int, complete: bool) -> None:
        stream = self._streams.get(stream_id)
        if length >= 0:
            if not self.connection.data_begins(stream_id, length):
                if length < SMALL_FRAME_BYTES:  # larger ones cost the peer more than us
                    self._floods.control(self._received_at, "DATA frames for streams that are over")
                if stream is not None and not stream.gone:
                    stream.abandon(ErrorCodes.STREAM_CLOSED)
                return
            padding = length - len(piece) if complete else 0
            if padding:
                self.connection.consumed(stream_id, padding)
            if not length and not flags & END_STREAM:
                self._floods.control(self._received_at, "empty DATA frames")
        if stream is None or stream.gone:
            return
        if piece:
            stream.data(piece)
        if complete and flags & END_STREAM and not stream.gone:
            self.connection.data_ends(stream_id)
            stream.end_of_request()

    def _window_update(self, stream_id: int, frame: bytes | memoryview) -> None:
        if len(frame) != HEADER_BYTES + 4:
            raise FrameError(ErrorCodes.FRAME_SIZE_ERROR, f"WINDOW_UPDATE of {len(frame) - HEADER_BYTES} bytes")
        self._floods.window_update(self._received_at, self.outlet.sent_bytes)
        self.connection.window_update(stream_id, int.from_bytes(frame[HEADER_BYTES:]) & 0x7FFFFFFF)
        if not stream_id:
            self.outlet.pump()
            return
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        if self.connection.is_closed(stream_id):
            stream.lost()
        elif stream.unsent:
            self.outlet.enqueue(stream)

    def _other(self, kind: int, flags: int, frame: bytes | memoryview) -> None:
        if kind in (SETTINGS, PING, PRIORITY) or kind > CONTINUATION:
            if not (kind == PING and flags & ACK):
                self._floods.control(self._received_at, "control frames")
            if kind == PRIORITY or kind > CONTINUATION:
                return
        for event in self.connection.receive_data(frame):
            self._handle(event)
        if kind == SETTINGS:
            for stream in list(self._streams.values()):
                if stream.unsent:
                    self.outlet.enqueue(stream)

    def _handle(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            self._open_stream(event)
        elif isinstance(event, StreamEnded):
            stream = self._streams.get(event.stream_id)
            if stream is not None and not stream.request_ended:
                stream.end_of_request()
        elif isinstance(event, TrailersReceived):
            self._trailers(event)
        elif isinstance(event, StreamReset):
            self._floods.reset(self._received_at, "cancelled streams")
            stream = self._streams.get(event.stream_id)
            if stream is not None:
                stream.lost()
        elif isinstance(event, PingAckReceived):
            if event.ping_data == _DRAIN_PING and self._draining:
                self._final_goaway()
        elif isinstance(event, ConnectionTerminated):
            self._peer_leaves = True
            self._close_if_finished()

    def _trailers(self, event: TrailersReceived) -> None:
        """Nothing we serve has request trailers (aws-chunked ones are part of the body): checked and dropped."""
        try:
            check_trailers(event.headers)
        except MalformedRequest as error:
            stream = self._streams.get(event.stream_id)
            if stream is not None:
                logger.info("malformed trailers: %s", error, extra={"peer": self._client})
                stream.abandon(ErrorCodes.PROTOCOL_ERROR)

    # -- streams -------------------------------------------------------------------------------------------------

    def _open_stream(self, event: RequestReceived) -> None:
        stream_id = event.stream_id
        if len(self._streams) >= self.limits.max_streams or self._final_goaway_sent:
            self._refuse(stream_id, ErrorCodes.REFUSED_STREAM)
            return
        try:
            head = parse_request_head(event.headers)
            if event.stream_ended is not None and head.content_length:
                raise MalformedRequest(f"content-length {head.content_length} and no body")
        except MalformedRequest as error:
            logger.info("malformed request: %s", error, extra={"peer": self._client})
            self._refuse(stream_id, ErrorCodes.PROTOCOL_ERROR)
            return
        stream = self._streams[stream_id] = Stream(self, stream_id, head)
        self._census.streams += 1
        self._busiest = max(self._busiest, len(self._streams))
        stream.request_ended = event.stream_ended is not None
        coroutine = self._run(stream)
        if self._config.reset_contextvars:
            task = self.loop.create_task(coroutine, context=contextvars.Context())
        else:
            task = self.loop.create_task(coroutine)
        self._state.tasks.add(task)
        task.add_done_callback(self._state.tasks.discard)

    def _refuse(self, stream_id: int, code: int) -> None:
        self._floods.reset(self._received_at, "streams that had to be refused")
        self._census.refused("streams" if code == ErrorCodes.REFUSED_STREAM else "malformed")
        self.connection.reset(stream_id, code)

    async def _run(self, stream: Stream) -> None:
        try:
            if self._handler is not None and self._handler.wants(stream):
                await self._handler.handle(stream)
            else:
                scope = request_scope(
                    stream, self._client, self._server, self._app_state.copy(), self._config.root_path
                )
                await AsgiExchange(stream, scope, self._state.default_headers).run(self._choose_app())
        finally:
            stream.handler_done = True
            if not stream.reply_ended and not stream.unsent_ends:
                stream.abandon(ErrorCodes.INTERNAL_ERROR)
            self.settle(stream)

    def _choose_app(self) -> AsgiApp:
        limit = self._config.limit_concurrency
        if limit is not None and (len(self._state.connections) >= limit or len(self._state.tasks) >= limit):
            return service_unavailable  # type: ignore[return-value]
        return self._app

    def reset(self, stream: Stream, code: int) -> None:
        """Resets the stream and forgets what it still wanted to send."""
        self.outlet.forget(stream)
        if not self._broken:
            self.connection.reset(stream.id, code)
            self.outlet.touch()
        stream.lost()

    def settle(self, stream: Stream) -> None:
        """Frees the stream's place once nobody needs it: until then it counts, however it ended (rapid reset)."""
        if stream.over and self._streams.pop(stream.id, None) is not None:
            self._state.total_requests += 1
            self._census.streams -= 1
            self._idle_since = self.now()
            self._close_if_finished()

    # -- clocks --------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        """Looks at the clocks. Silence counts only where it is the peer's turn to do something."""
        now, limits = self.now(), self.limits
        self._tick_timer = self.loop.call_later(limits.tick_seconds(), self._tick)
        unsent_bytes = self._transport.get_write_buffer_size()
        if unsent_bytes != self._unsent_bytes or not unsent_bytes:
            self._unsent_bytes = unsent_bytes
            self._drained_at = now
        if now - self._drained_at > limits.stall_seconds:
            self._abort("the peer does not read")
            return
        self._census.publish()
        if self._broken:
            return
        for stream in list(self._streams.values()):
            waits = stream.awaiting_body or stream.unsent
            if waits and not stream.gone and now - stream.moved_seconds > limits.stall_seconds:
                self._census.refused("timeout")
                stream.abandon(ErrorCodes.CANCEL)
        if not self._streams:
            if now - max(self._idle_since, self._received_at) > limits.idle_seconds:
                self.shutdown()
        elif self._pinged_at is not None:
            if now - self._pinged_at > limits.ping_seconds:
                self._abort("no answer to PING")
        elif now - self._received_at > limits.ping_seconds:
            self._pinged_at = now
            self.connection.ping(_ALIVE_PING)
            self.outlet.touch()
