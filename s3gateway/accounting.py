"""What is counted and logged of every request, once, when it is over. Must not know: how replies are made."""

from __future__ import annotations

import logging
import time
from typing import Any

from prometheus_client import Counter, Histogram

from dataplane import metrics
from s3gateway.context import RequestContext
from s3gateway.request import header_text

access_log = logging.getLogger("anvil.access")
"""One line a request at INFO; set its level above to be without."""

NO_OPERATION = "none"
MAX_LOGGED_TEXT = 512
"""Characters of a path or user agent that a log line carries."""


class Outcome:
    """How one request ended; filled by the app."""

    __slots__ = ("code", "error_code", "first_byte_at", "sent_bytes", "started_at")

    def __init__(self) -> None:
        self.started_at = time.monotonic()
        self.code = ""
        """HTTP status as text; 499: the client left; cut: the reply was broken off."""
        self.error_code = ""
        self.sent_bytes = 0
        self.first_byte_at = 0.0

    def first_byte(self) -> None:
        self.first_byte_at = time.monotonic()


class Accounting:
    """Keeps the metric children: making one costs more than counting. Their number is rows times statuses."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str], Counter] = {}
        self._seconds: dict[str, Histogram] = {}

    def record(self, context: RequestContext, outcome: Outcome, received_bytes: int) -> None:
        seconds = time.monotonic() - outcome.started_at
        operation = NO_OPERATION if context.operation is None else context.operation.name
        requests = self._requests.get((operation, outcome.code))
        if requests is None:
            requests = self._requests[operation, outcome.code] = metrics.S3_REQUESTS.labels(operation, outcome.code)
        requests.inc()
        histogram = self._seconds.get(operation)
        if histogram is None:
            histogram = self._seconds[operation] = metrics.S3_REQUEST_SECONDS.labels(operation)
        histogram.observe(seconds)
        if operation == "GetObject" and outcome.first_byte_at:
            metrics.S3_TTFB_SECONDS.observe(outcome.first_byte_at - outcome.started_at)
        if received_bytes:
            metrics.S3_RECEIVED_BYTES.inc(received_bytes)
        if outcome.sent_bytes:
            metrics.S3_SENT_BYTES.inc(outcome.sent_bytes)
        if outcome.error_code == "UnauthorizedReservedNamespace":
            metrics.S3_RESERVED_REFUSALS.inc()
        if access_log.isEnabledFor(logging.INFO):
            access_log.info("request", extra=_line(context, outcome, operation, received_bytes, seconds))


def log_fields(context: RequestContext) -> dict[str, Any]:
    """What every log line about a request carries. No query: presigned URLs are secrets."""
    return {
        "request_id": context.request_id,
        "operation": NO_OPERATION if context.operation is None else context.operation.name,
        "bucket": context.bucket_name,
        "key": context.key,
    }


def _line(
    context: RequestContext, outcome: Outcome, operation: str, received_bytes: int, seconds: float
) -> dict[str, Any]:
    request, principal = context.request, context.principal
    return {
        "request_id": context.request_id,
        "client": request.client_host,
        "method": request.method,
        "path": header_text(request.raw_path)[:MAX_LOGGED_TEXT],
        "operation": operation,
        "status": outcome.code,
        "error": outcome.error_code,
        "received_bytes": received_bytes,
        "sent_bytes": outcome.sent_bytes,
        "duration_ms": round(seconds * 1000, 3),
        "ttfb_ms": round((outcome.first_byte_at - outcome.started_at) * 1000, 3) if outcome.first_byte_at else None,
        "tenant": None if principal is None else principal.tenant_name,
        "app": None if principal is None else principal.app_name,
        "user_agent": header_text(request.headers.get(b"user-agent", b""))[:MAX_LOGGED_TEXT],
    }
