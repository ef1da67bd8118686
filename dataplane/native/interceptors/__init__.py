"""What happens around every native call: request ids, metrics, the translation of errors."""

from __future__ import annotations

from typing import Any

import grpc.aio

from dataplane.native.interceptors.errors import ErrorInterceptor
from dataplane.native.interceptors.metrics import MetricsInterceptor
from dataplane.native.interceptors.request_id import RequestIdInterceptor


def native_interceptors() -> list[grpc.aio.ServerInterceptor[Any, Any]]:
    """Outermost first: the id is known to all, and metrics see the status that errors were translated to."""
    return [RequestIdInterceptor(), MetricsInterceptor(), ErrorInterceptor()]
