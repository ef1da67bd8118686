"""Logging of every process: one JSON object a line on stderr, with the request's id and without secrets.

Everything below `anvil_site` logs through the standard library with `extra=` fields; only this module knows how a
line looks. A reader that does not keep up blocks nobody: lines go through a bounded queue and are counted when it
is full.
"""

from __future__ import annotations

import logging
import os
import queue
import re
import sys
import threading
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any, TextIO

import structlog

ACCESS_LOGGER = "anvil.access"
QUEUE_LIMIT_LINES = 10_000
_FLUSH_SECONDS = 2.0

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The request that the running code serves; set by the edges, added to every line."""

_request_ids: list[ContextVar[str]] = [request_id]


def also_read(variable: ContextVar[str]) -> None:
    """Another place where an edge keeps the id of its requests."""
    if variable not in _request_ids:
        _request_ids.append(variable)


_SECRET_NAME = re.compile(
    r"secret|passw|token|authorization|signature|credential$|cookie|private_key|encryption_key", re.IGNORECASE
)
# In texts: the password of a URL, what follows an Authorization header, the query of a presigned URL.
_SECRET_TEXTS = (
    (re.compile(r"(\w+://[^/\s:@]*):[^/\s@]+@"), r"\1:[redacted]@"),
    (re.compile(r"(?i)((?:\b|x-amz-)signature=|x-amz-(?:security-token|credential)=)[^&\s\"']+"), r"\1[redacted]"),
    (re.compile(r"(?i)\b(bearer|basic|token|aws4-hmac-sha256)\s+[^\s\"']{8,}"), r"\1 [redacted]"),
)
_REDACTED = "[redacted]"

EventDict = MutableMapping[str, Any]


class BoundedStream(logging.Handler):
    """Formats in the caller's thread, writes in its own; drops and counts lines when the queue is full."""

    def __init__(self, stream: TextIO, limit_lines: int = QUEUE_LIMIT_LINES) -> None:
        super().__init__()
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(limit_lines)
        self.dropped_lines = 0
        self._thread = threading.Thread(target=self._write_all, name="log-writer", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            self.dropped_lines += 1
        except Exception:  # a line that cannot be formatted must not end a request
            self.handleError(record)

    def close(self) -> None:
        """Writes what is queued, for a bounded time."""
        try:
            self._lines.put(None, timeout=_FLUSH_SECONDS)
        except queue.Full:
            pass
        else:
            self._thread.join(_FLUSH_SECONDS)
        super().close()

    def _write_all(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._stream.write(f"{line}\n")  # one call, so that lines of several processes do not mix
                self._stream.flush()
            except (OSError, ValueError):  # the reader went away: keep draining, nobody can be told
                continue


def configure(level: str, *, process: str, access_log: bool = False, stream: TextIO | None = None) -> None:
    """Sets the root logger up; a second call replaces the first. `process` names the process in every line.

    `access_log` also logs a line for each request.
    """
    handler = BoundedStream(stream or sys.stderr)
    handler.setFormatter(_formatter(process))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    set_level(level, access_log=access_log)
    logging.captureWarnings(capture=True)
    # Libraries that narrate: their news is ours to tell.
    for name in ("uvicorn.error", "asyncio", "psycopg.pool"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn.access", "django.request"):
        logging.getLogger(name).setLevel(logging.ERROR)


def set_level(level: str, *, access_log: bool = False) -> None:
    logging.getLogger().setLevel(level.upper())
    # The gateway asks this logger before it builds a line: without one a request costs nothing here.
    logging.getLogger(ACCESS_LOGGER).setLevel(logging.INFO if access_log else logging.WARNING)


def redact(_: Any, __: str, event: EventDict) -> EventDict:
    """A structlog processor: no secret leaves in a field or in a text."""
    return {name: _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: Any) -> Any:
    if isinstance(value, str):
        if _SECRET_NAME.search(name):
            return _REDACTED
        return clean_text(value)
    if isinstance(value, Mapping):
        return {key: _clean(str(key), entry) for key, entry in value.items()}
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    if isinstance(value, list | tuple):
        return [_clean(name, entry) for entry in value]
    return value


def clean_text(text: str) -> str:
    """`text` without the secrets that URLs and headers carry."""
    for pattern, replacement in _SECRET_TEXTS:
        text = pattern.sub(replacement, text)
    return text


def _formatter(process: str) -> logging.Formatter:
    def add_origin(_: Any, __: str, event: EventDict) -> EventDict:
        event["process"] = process
        event["pid"] = os.getpid()
        if "request_id" not in event:
            current = next((found for variable in _request_ids if (found := variable.get())), "")
            if current:
                event["request_id"] = current
        return event

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            add_origin,
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ],
    )
