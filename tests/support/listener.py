"""A listener in a thread of its own, on a free port, in front of a small ASGI application.

The tests speak to it with blocking sockets, curl, grpcio or a real proxy. `Probe` is what the application saw.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc.aio
import uvicorn
import uvloop

from anvil_site.listener.grpc_server import GrpcServer, Service, start_grpc
from anvil_site.listener.limits import Limits
from anvil_site.listener.protocol import mux_protocol

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def until(condition: Callable[[], object], what: str, seconds: float = 10.0) -> Any:
    """Waits for a condition with a deadline; returns its (true) value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for: {what}")
        time.sleep(0.005)


@dataclass
class Probe:
    """What the application saw, by path; `gates` hold it back until a test opens them."""

    bodies: dict[str, bytes] = field(default_factory=dict)
    scopes: dict[str, Scope] = field(default_factory=dict)
    received: dict[str, int] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    gates: dict[str, threading.Event] = field(default_factory=dict)
    running: int = 0
    most_running: int = 0

    def gate(self, path: str) -> threading.Event:
        return self.gates.setdefault(path, threading.Event())


async def _passing(event: threading.Event) -> None:
    while not event.is_set():  # noqa: ASYNC110 - the event belongs to the test's thread
        await asyncio.sleep(0.002)


PATTERN_PERIOD = 251
"""A prime, so that no buffer size is a multiple of it."""


class App:
    """GET /bytes/N[/CHUNK]: N bytes. PUT /echo: the body back. PUT /count: its length. PUT /refuse: 403 unread.

    PUT /slow: reads one message each time its gate is open. GET /gate/...: answers once its gate is open.
    GET /raise, /raise-late, /silent, /short: broken applications. Everything else: 404.
    """

    def __init__(self) -> None:
        self.probe = Probe()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        probe, path = self.probe, scope["path"]
        probe.scopes[path] = scope
        probe.running += 1
        probe.most_running = max(probe.most_running, probe.running)
        try:
            await self._route(scope, receive, send)
            probe.ended[path] = "returned"
        except BaseException as error:
            probe.ended[path] = type(error).__name__
            raise
        finally:
            probe.running -= 1

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        kind = path.split("/")[1]
        if kind == "bytes" and all(part.isdecimal() for part in path.split("/")[2:]):
            await self._bytes(path, send)
        elif kind in ("echo", "count", "slow"):
            body = await self._read(path, receive, slow=kind == "slow")
            if body is not None:
                await reply(send, 200, body if kind == "echo" else str(len(body)).encode())
        elif kind == "refuse":
            await reply(send, 403, b"no")
        elif kind == "gate":
            await _passing(self.probe.gate(path))
            await reply(send, 200, b"through")
        elif kind == "raise":
            raise ValueError("broken application")
        elif kind in ("raise-late", "short"):
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
            await send({"type": "http.response.body", "body": b"half", "more_body": kind == "raise-late"})
            raise ValueError("broken application")
        elif kind == "headers":
            pairs = b"\n".join(name + b": " + value for name, value in scope["headers"])
            await reply(send, 200, pairs)
        elif kind == "inject":
            await reply(send, 200, b"", [(b"x-a", b"b\r\nx-c: d")])
        elif kind != "silent":
            await reply(send, 404, b"not here")

    async def _bytes(self, path: str, send: Send) -> None:
        parts = path.split("/")
        size = min(int(parts[2]), 1 << 33) if parts[2:] else 0
        chunk_size = int(parts[3]) if len(parts) > 3 else 256 * 1024
        chunks = pattern(chunk_size + PATTERN_PERIOD)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(size).encode())]})
        sent = 0
        while sent < size:
            begin = sent % PATTERN_PERIOD
            piece = chunks[begin : begin + min(chunk_size, size - sent)]
            await send({"type": "http.response.body", "body": piece, "more_body": sent + len(piece) < size})
            sent += len(piece)
            self.probe.sent[path] = sent
        if not size:
            await send({"type": "http.response.body", "body": b""})

    async def _read(self, path: str, receive: Receive, *, slow: bool) -> bytes | None:
        pieces: list[bytes] = []
        total = 0
        while True:
            if slow:
                await _passing(self.probe.gate(path))
            message = await receive()
            if message["type"] == "http.disconnect":
                self.probe.ended[path + "#body"] = "disconnected"
                return None
            pieces.append(message["body"])
            total += len(message["body"])
            self.probe.received[path] = total
            if not message["more_body"]:
                self.probe.bodies[path] = b"".join(pieces)
                return self.probe.bodies[path]


def pattern(size: int) -> bytes:
    """`size` bytes that differ from one offset to the next, so that a shifted or repeated piece shows."""
    return (bytes(range(PATTERN_PERIOD)) * (size // PATTERN_PERIOD + 1))[:size]


async def reply(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    head = [(b"content-length", str(len(body)).encode()), *(headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


class Running:
    """A listener that serves. `stop()` is uvicorn's graceful shutdown."""

    def __init__(
        self,
        app: Any,
        limits: Limits,
        services: Sequence[Service],
        interceptors: Sequence[grpc.aio.ServerInterceptor[Any, Any]],
        loop: str,
    ) -> None:
        self.app = app
        self.probe: Probe = getattr(app, "probe", Probe())
        self.limits = limits
        self.services = services
        self.interceptors = interceptors
        self.grpc: GrpcServer | None = None
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self.server: uvicorn.Server | None = None
        self.loop: asyncio.AbstractEventLoop = uvloop.new_event_loop() if loop == "uvloop" else asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            with tempfile.TemporaryDirectory() as directory:
                self.loop.run_until_complete(self._serve(Path(directory)))
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        finally:
            asyncio.set_event_loop(None)
            self.loop.close()

    async def _serve(self, directory: Path) -> None:
        if self.services:
            self.grpc = await start_grpc(directory / "grpc", self.services, self.interceptors, self.limits)
        config = uvicorn.Config(
            self.app,
            http=mux_protocol(self.limits, self.grpc.bridge if self.grpc else None),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
        )
        self.server = uvicorn.Server(config)
        await self.server.serve(sockets=[self.socket])
        if self.grpc:
            await self.grpc.stop()

    def start(self) -> None:
        self.thread.start()
        until(lambda: self.server is not None and self.server.started, "the listener to start")

    def begin_stop(self) -> None:
        assert self.server is not None
        self.server.should_exit = True

    def stop(self, seconds: float = 10.0, *, force: bool = False) -> None:
        self.begin_stop()
        assert self.server is not None
        self.server.force_exit = force
        self.thread.join(seconds)
        assert not self.thread.is_alive(), "the listener did not stop"

    def connect(self, **options: Any) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10, **options)

    def on_loop(self, call: Callable[[], Any]) -> Any:
        """Runs a function on the listener's loop and returns its result."""

        async def run() -> Any:
            return call()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(10)


@contextmanager
def listening(
    app: Any = None,
    *,
    limits: Limits | None = None,
    services: Sequence[Service] = (),
    interceptors: Sequence[grpc.aio.ServerInterceptor[Any, Any]] = (),
    loop: str = "uvloop",
) -> Iterator[Running]:
    running = Running(app if app is not None else App(), limits or Limits(), services, interceptors, loop)
    running.start()
    try:
        yield running
    finally:
        for gate in running.probe.gates.values():
            gate.set()
        if running.thread.is_alive():
            running.stop(force=True)
