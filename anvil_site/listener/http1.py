"""HTTP/1.1 on one connection: uvicorn's httptools protocol with bounds on heads, time and unread bodies.

Knows llhttp's quirks (an `Upgrade` header makes it skip the body). Must not know HTTP/2, gRPC or what is served.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast
from urllib.parse import unquote_to_bytes

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from anvil_site.listener.census import Census
from anvil_site.listener.http1_cycle import Http1Cycle
from anvil_site.listener.limits import Limits

logger = logging.getLogger(__name__)


_REASONS = {408: "timeout", 414: "too-large", 431: "too-large"}


class _Refusal(Exception):
    """Leaves the parser from inside a callback: the request will be answered with `status` and nothing else."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Http1Protocol(HttpToolsProtocol):
    """The states of a connection: idle, in a head (`_head_since`), in a request, lingering (`_linger_until`), deaf."""

    cycle: Http1Cycle | None  # type: ignore[assignment]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: Limits,
        census: Census,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.limits = limits
        self._census = census
        self._tick_timer: asyncio.TimerHandle | None = None
        self._received_at = self._drained_at = self.loop.time()
        self._unsent_bytes = 0
        self._head_since: float | None = None
        self._head_bytes = 0
        self._host_count = 0
        self._raw_body_left = 0
        self._linger_bytes = 0
        self._linger_until: float | None = None
        self._deaf = False

    # -- connection ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._census.joined("http1")
        transport.set_write_buffer_limits(high=self.limits.write_buffer_bytes)
        self._tick_timer = self.loop.call_later(self.limits.tick_seconds(), self._tick)

    def connection_lost(self, exc: Exception | None) -> None:
        self._census.left("http1")
        if self._tick_timer is not None:
            self._tick_timer.cancel()
        for cycle, _ in self.pipeline:
            cycle.disconnected = True
        self.pipeline.clear()
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        self._drained_at = self.loop.time()
        super().resume_writing()

    def _tick(self) -> None:
        """Looks at the clocks. Silence counts only where it is the client's turn to do something."""
        now = self.loop.time()
        limits = self.limits
        self._tick_timer = self.loop.call_later(limits.tick_seconds(), self._tick)
        unsent_bytes = self.transport.get_write_buffer_size()
        if unsent_bytes != self._unsent_bytes or not unsent_bytes:
            self._unsent_bytes = unsent_bytes
            self._drained_at = now
        if now - self._drained_at > limits.stall_seconds:
            self._abort("the client takes no more of its reply")
        elif self.transport.is_closing():
            return
        elif self._head_since is not None:
            if now - self._head_since > limits.header_seconds:
                self._refuse(408, f"The head of the request was not complete after {limits.header_seconds:g} s.")
        elif self.cycle is None or self.cycle.response_complete:
            if now - self._received_at > limits.idle_seconds:
                self.transport.close()
        elif self.cycle.awaiting_since is not None and now - self.cycle.awaiting_since > limits.stall_seconds:
            self._abort("the client sends no more of its body")

    def _abort(self, reason: str) -> None:
        self._census.refused("timeout")
        logger.info("connection aborted: %s", reason, extra={"peer": self.client})
        self.transport.abort()

    # -- input ---------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._received_at = self.loop.time()
        while data and not self._deaf:
            data = self._feed_raw_body(data) if self._raw_body_left else self._feed(data)
        if data:
            self._drop(len(data))

    def _feed(self, data: bytes) -> bytes:
        """Parses; returns what the parser left over, which is something only behind an `Upgrade`."""
        in_head = self._head_since is not None
        try:
            self.parser.feed_data(data)
            if in_head and self._head_since is not None:
                self._count_head_bytes(len(data))
        except httptools.HttpParserUpgrade as upgrade:
            self._after_upgrade()
            return data[upgrade.args[0] :]
        except _Refusal as refusal:
            self._refuse(refusal.status, str(refusal))
        except httptools.HttpParserError as error:
            cause = error.__context__
            if isinstance(cause, _Refusal):
                self._refuse(cause.status, str(cause))
            else:
                self._refuse(400, "This is not a well-formed HTTP/1.1 request.")
        return b""

    def _after_upgrade(self) -> None:
        """`Upgrade` is not served and so, by RFC 9110 7.8, ignored; but llhttp stops there and has skipped the body."""
        self.parser = httptools.HttpRequestParser(self)
        chunked = any(name == b"transfer-encoding" for name, _ in self.headers)
        length = next((value for name, value in self.headers if name == b"content-length"), b"0")
        if chunked or not length.isdigit():
            self._refuse(501, "A chunked body together with an Upgrade header is not served.")
            return
        self._raw_body_left = int(length)
        if not self._raw_body_left:
            self._finish_body()

    def _feed_raw_body(self, data: bytes) -> bytes:
        """Passes on what belongs to the body that llhttp does not read; returns the rest."""
        piece, rest = data[: self._raw_body_left], data[self._raw_body_left :]
        self._raw_body_left -= len(piece)
        self.on_body(piece)
        if not self._raw_body_left:
            self._finish_body()
        return rest

    def _refuse(self, status: int, message: str) -> None:
        """Answers by ourselves and closes, unless a reply is on its way: then it closes behind that."""
        self._census.refused(_REASONS.get(status, "malformed"))
        self._deaf = True
        self._head_since = None
        cycle = self.cycle
        if self.transport.is_closing():
            return
        if cycle is not None and not cycle.response_complete:
            cycle.keep_alive = False
            cycle.disconnected = cycle.more_body
            cycle.message_event.set()
            if not cycle.disconnected or cycle.response_started or self.pipeline:
                return
        body = message.encode()
        lines = [STATUS_LINE[status][:-2]]
        lines += [name + b": " + value for name, value in self.server_state.default_headers]
        lines += [b"content-type: text/plain; charset=utf-8", b"content-length: %d" % len(body), b"connection: close"]
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        self._begin_linger(closing=True)

    def _drop(self, count: int) -> None:
        """Counts input that nobody wants; past the bound the connection ends."""
        self._linger_bytes -= count
        if self._linger_bytes < 0 and self._linger_until is not None:
            self._deaf = True
            self.transport.close()

    # -- parser callbacks ----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._head_since = self.loop.time()
        self._head_bytes = self._host_count = 0

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        self._count_head_bytes(len(name) + len(value) + 4)
        if name == b"host":
            self._host_count += 1
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))
        if len(self.headers) > self.limits.header_count:
            raise _Refusal(431, f"A request may have at most {self.limits.header_count} headers.")

    def _count_head_bytes(self, count: int) -> None:
        self._head_bytes += count
        if self._head_bytes + len(self.url) > self.limits.header_bytes:
            status = 431 if self.headers else 414
            raise _Refusal(status, f"The head of a request may have at most {self.limits.header_bytes} bytes.")

    def on_headers_complete(self) -> None:
        self._head_since = None
        method = self.parser.get_method().decode("ascii")
        version = self.parser.get_http_version()
        if self._host_count != 1 and (self._host_count or version != "1.0"):
            raise _Refusal(400, f"A request needs exactly one Host header, this one has {self._host_count}.")
        if method == "CONNECT":
            raise _Refusal(405, "This server is not a proxy.")
        if len(self.url) > self.limits.header_bytes:
            raise _Refusal(414, f"The head of a request may have at most {self.limits.header_bytes} bytes.")
        self.scope = cast(Any, self._scope(method, version))
        existing = self.cycle
        cycle = self.cycle = Http1Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=logger,
            access_logger=logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue and version != "1.0",
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        limit = self.limit_concurrency
        crowded = limit is not None and (len(self.connections) >= limit or len(self.tasks) >= limit)
        app = service_unavailable if crowded else self.app
        if existing is None or existing.response_complete:
            self._start_asgi_task(cycle, app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, app))

    def _scope(self, method: str, version: str) -> dict[str, Any]:
        raw_path, _, query = self.url.partition(b"?")
        if raw_path[:1] != b"/" and raw_path != b"*":
            raw_path = httptools.parse_url(self.url).path or b"/"
        path = unquote_to_bytes(raw_path) if b"%" in raw_path else raw_path
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.4"},
            "http_version": version,
            "method": method,
            "scheme": self.scheme,
            "path": self.root_path + path.decode("utf-8", "replace"),
            "raw_path": self.root_path.encode() + raw_path,
            "query_string": query,
            "root_path": self.root_path,
            "headers": self.headers,
            "client": self.client,
            "server": self.server,
            "state": self.app_state.copy(),
        }

    def on_body(self, body: bytes) -> None:
        cycle = self.cycle
        if cycle is None:
            return
        if cycle.response_complete or cycle.disconnected:
            self._drop(len(body))
            return
        cycle.feed(body)
        if cycle.buffered_bytes > self.limits.request_buffer_bytes:
            self.flow.pause_reading()

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            self._finish_body()

    def _finish_body(self) -> None:
        cycle = self.cycle
        if cycle is None:
            return
        cycle.more_body = False
        cycle.message_event.set()
        if cycle.response_complete:
            self._linger_until = None
            if not cycle.keep_alive:
                self.transport.close()

    # -- replies -------------------------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self._received_at = self.loop.time()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif self.cycle is not None and self.cycle.more_body:
            self._begin_linger(closing=not self.cycle.keep_alive)

    def _begin_linger(self, *, closing: bool) -> None:
        """Reads and drops a bounded rest of the request: closing with unread bytes would reset the reply away."""
        self._linger_bytes = self.limits.linger_bytes
        self._linger_until = self.loop.time() + self.limits.linger_seconds
        self.flow.resume_reading()
        if closing and self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(self.limits.linger_seconds, self._end_linger)

    def _end_linger(self) -> None:
        if self._linger_until is not None and self.loop.time() >= self._linger_until:
            self.transport.close()
