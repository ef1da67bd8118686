"""A gRPC service of all four kinds of method, on plain bytes, for tests of what carries it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import grpc.aio

NAME = "anvil.test.Echo"


class EchoService:
    """`running`: handlers of Hang, Chat and Download that have begun and not ended."""

    name = NAME

    def __init__(self) -> None:
        self.running = 0
        self.sent = 0
        self.seen_metadata: list[tuple[str, str | bytes]] = []

    @contextmanager
    def _running(self) -> Iterator[None]:
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1

    def add_to(self, server: grpc.aio.Server) -> None:
        handlers = {
            "Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "Download": grpc.unary_stream_rpc_method_handler(self.download),
            "Upload": grpc.stream_unary_rpc_method_handler(self.upload),
            "Chat": grpc.stream_stream_rpc_method_handler(self.chat),
            "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
            "FailLate": grpc.unary_stream_rpc_method_handler(self.fail_late),
            "Hang": grpc.unary_unary_rpc_method_handler(self.hang),
            "Metadata": grpc.unary_unary_rpc_method_handler(self.metadata),
            "EarlyHead": grpc.stream_stream_rpc_method_handler(self.early_head),
            "Ignore": grpc.stream_unary_rpc_method_handler(self.ignore),
            "Refuse": grpc.stream_unary_rpc_method_handler(self.refuse),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))

    async def unary(self, request: bytes, context: Any) -> bytes:
        return request

    async def download(self, request: bytes, context: Any) -> AsyncIterator[bytes]:
        """`request`: how many messages of how many bytes."""
        count, size = map(int, request.split())
        with self._running():
            for number in range(count):
                yield bytes([number % 256]) * size
                self.sent = number + 1

    async def upload(self, requests: AsyncIterator[bytes], context: Any) -> bytes:
        total = 0
        async for request in requests:
            total += len(request)
        return str(total).encode()

    async def chat(self, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        with self._running():
            async for request in requests:
                yield request

    async def fail(self, request: bytes, context: Any) -> bytes:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, request.decode(), (("why-bin", b"\x00\xff"),))
        raise AssertionError

    async def fail_late(self, request: bytes, context: Any) -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"
        await context.abort(grpc.StatusCode.DATA_LOSS, "after two")

    async def hang(self, request: bytes, context: Any) -> bytes:
        with self._running():
            await asyncio.Event().wait()
        raise AssertionError

    async def metadata(self, request: bytes, context: Any) -> bytes:
        self.seen_metadata = list(context.invocation_metadata())
        await context.send_initial_metadata((("head", "initial"), ("head-bin", b"\x01\x02\xfe")))
        context.set_trailing_metadata((("tail", "trailing"), ("tail-bin", b"\x03\x04")))
        return b""

    async def early_head(self, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        await context.send_initial_metadata((("early", "yes"),))
        async for request in requests:
            yield request

    async def ignore(self, requests: AsyncIterator[bytes], context: Any) -> bytes:
        """Answers without having read its requests."""
        return b"enough"

    async def refuse(self, requests: AsyncIterator[bytes], context: Any) -> bytes:
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, "not you")
        raise AssertionError
