"""Counts native calls by method and status. Only methods that exist get here, so the labels are bounded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from dataplane.metrics import NATIVE_REQUEST_SECONDS, NATIVE_REQUESTS
from dataplane.native.interceptors.around import AroundInterceptor


class MetricsInterceptor(AroundInterceptor):
    @asynccontextmanager
    async def around(self, method: str, context: Any) -> AsyncIterator[None]:
        began = time.monotonic()
        code = grpc.StatusCode.OK.name
        try:
            yield
            code = _name(context.code())
        except asyncio.CancelledError:
            code = grpc.StatusCode.CANCELLED.name
            raise
        except BaseException:
            code = _name(context.code(), default=grpc.StatusCode.UNKNOWN)
            raise
        finally:
            NATIVE_REQUESTS.labels(method, code).inc()
            NATIVE_REQUEST_SECONDS.labels(method).observe(time.monotonic() - began)


def _name(code: Any, default: grpc.StatusCode = grpc.StatusCode.OK) -> str:
    """The name of what a context calls its code: a `StatusCode`, its number, or nothing yet."""
    if isinstance(code, grpc.StatusCode):
        return code.name
    for status in grpc.StatusCode:
        if code and status.value[0] == code:
            return status.name
    return default.name
