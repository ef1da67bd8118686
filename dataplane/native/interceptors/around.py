"""An interceptor as one async context manager around every call, whatever its arity.

gRPC has four kinds of handlers; this is the only place that tells them apart. Must not know what is done around them.
"""

from __future__ import annotations

import abc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import grpc
import grpc.aio

Handler = Any
"""`grpc.RpcMethodHandler`, which has no usable type."""


class AroundInterceptor(grpc.aio.ServerInterceptor, abc.ABC):  # type: ignore[type-arg]
    @abc.abstractmethod
    def around(self, method: str, context: Any) -> AbstractAsyncContextManager[None]:
        """Entered before the servicer runs, left after; sees its exceptions. `method` is `/package.Service/Name`."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        handler = await continuation(handler_call_details)
        if handler is None:  # an unknown method: grpc answers UNIMPLEMENTED
            return None
        return self._wrapped(handler, str(handler_call_details.method))

    def _wrapped(self, handler: Handler, method: str) -> Handler:
        codecs = (handler.request_deserializer, handler.response_serializer)
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(self._one(handler.unary_unary, method), *codecs)
        if handler.stream_unary:
            return grpc.stream_unary_rpc_method_handler(self._one(handler.stream_unary, method), *codecs)
        if handler.unary_stream:
            return grpc.unary_stream_rpc_method_handler(self._many(handler.unary_stream, method), *codecs)
        return grpc.stream_stream_rpc_method_handler(self._many(handler.stream_stream, method), *codecs)

    def _one(self, behaviour: Callable[[Any, Any], Awaitable[Any]], method: str) -> Callable[[Any, Any], Any]:
        async def call(request: Any, context: Any) -> Any:
            async with self.around(method, context):
                return await behaviour(request, context)

        return call

    def _many(self, behaviour: Callable[[Any, Any], Any], method: str) -> Callable[[Any, Any], AsyncIterator[Any]]:
        async def call(request: Any, context: Any) -> AsyncIterator[Any]:
            async with self.around(method, context):
                replies = behaviour(request, context)
                if hasattr(replies, "__aiter__"):
                    async for reply in replies:
                        yield reply
                else:  # written with context.write()
                    await replies

        return call
