"""Liveness, readiness, summary and metrics as a bare ASGI application: `/`, `/ready`, `/health*`, `/metrics`.

A check is an async callable that returns a detail to show or raises `CheckFailed`. Answers are kept for a second
and computed once for all who ask meanwhile, so that a storm of probes costs nothing. Must not know S3.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from anvil_site import __version__
from anvil_site.logs import clean_text
from anvil_site.migration_state import APPLIED_QUERY, Migration, missing_migrations
from anvil_site.process_statistics import age_seconds
from anvil_site.telemetry import CONTENT_TYPE, Exposition

KEEP_SECONDS = 1.0
CHECK_TIMEOUT_SECONDS = 3.0
_DETAIL_LIMIT_CHARACTERS = 300

Check = Callable[[], Awaitable[str]]
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]

HEALTH_PATHS = frozenset({"/", "/ready", "/health", "/health/live", "/health/ready", "/metrics"})


class CheckFailed(Exception):
    """`str()` says what is wrong, for an operator."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    ok: bool
    detail: str
    milliseconds: float


class Readiness:
    """Runs the named checks side by side, each within a deadline; keeps the results for `KEEP_SECONDS`."""

    def __init__(self, checks: Mapping[str, Check], *, keep_seconds: float = KEEP_SECONDS) -> None:
        self._checks = dict(checks)
        self._keep_seconds = keep_seconds
        self._lock = asyncio.Lock()
        self._results: dict[str, CheckResult] = {}
        self._checked_at = float("-inf")
        self._draining = False

    def drain(self) -> None:
        """From now on the node is not ready: it finishes what it has."""
        self._draining = True

    async def results(self) -> dict[str, CheckResult]:
        async with self._lock:
            if time.monotonic() - self._checked_at > self._keep_seconds:
                results = await asyncio.gather(*(_run(check) for check in self._checks.values()))
                self._results = dict(zip(self._checks, results, strict=True))
                self._checked_at = time.monotonic()
        if self._draining:
            return {"serving": CheckResult(False, "the node is draining", 0.0), **self._results}
        return self._results


async def _run(check: Check) -> CheckResult:
    started_at = time.monotonic()
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
            detail, ok = await check(), True
    except TimeoutError:
        detail, ok = f"no answer within {CHECK_TIMEOUT_SECONDS:g} s", False
    except Exception as error:  # whatever it is, this check failed
        detail, ok = clean_text(str(error)) or type(error).__name__, False
    milliseconds = round((time.monotonic() - started_at) * 1000, 1)
    return CheckResult(ok, " ".join(detail.split())[:_DETAIL_LIMIT_CHARACTERS], milliseconds)


class HealthApplication:
    """The ASGI application of `HEALTH_PATHS`."""

    def __init__(
        self,
        readiness: Readiness,
        exposition: Exposition,
        *,
        about: Mapping[str, Any],
        supervisor_pid: int,
    ) -> None:
        """`about` is shown by `/health`: node id, region and the like; nothing secret."""
        self._readiness = readiness
        self._exposition = exposition
        self._about = dict(about)
        self._supervisor_pid = supervisor_pid

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await _reply(send, 405, b"", b"text/plain", extra=[(b"allow", b"GET, HEAD")])
            return
        head_only = scope["method"] == "HEAD"
        match scope["path"]:
            case "/" | "/health/live":
                await _reply_json(send, 200, {"status": "alive"}, head_only)
            case "/ready" | "/health/ready":
                results = await self._readiness.results()
                ready = all(result.ok for result in results.values())
                await _reply_json(send, 200 if ready else 503, _document(ready, results), head_only)
            case "/health":
                results = await self._readiness.results()
                document = {
                    **_document(all(result.ok for result in results.values()), results),
                    "version": __version__,
                    "uptime_seconds": round(age_seconds(self._supervisor_pid), 1),
                    **self._about,
                }
                await _reply_json(send, 200, document, head_only)
            case "/metrics":
                await _reply(send, 200, await self._exposition.page(), CONTENT_TYPE, head_only=head_only)
            case _:
                await _reply(send, 404, b"", b"text/plain")


def _document(ready: bool, results: Mapping[str, CheckResult]) -> dict[str, Any]:
    return {
        "status": "ready" if ready else "not ready",
        "checks": {
            name: {"ok": result.ok, "detail": result.detail, "milliseconds": result.milliseconds}
            for name, result in results.items()
        },
    }


async def _reply_json(send: Send, status: int, document: Mapping[str, Any], head_only: bool) -> None:
    await _reply(send, status, json.dumps(document).encode() + b"\n", b"application/json", head_only=head_only)


async def _reply(
    send: Send,
    status: int,
    body: bytes,
    content_type: bytes,
    *,
    head_only: bool = False,
    extra: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *extra,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head_only else body})


# -- the checks


def database_check(url: str, expected: frozenset[Migration]) -> Check:
    """The database accepts a connection, answers, and has every migration of this code."""

    async def check() -> str:
        try:
            connection = await psycopg.AsyncConnection.connect(
                url, autocommit=True, connect_timeout=int(CHECK_TIMEOUT_SECONDS), prepare_threshold=None
            )
        except psycopg.OperationalError as error:
            raise CheckFailed(f"cannot connect: {error}") from error
        async with connection:
            try:
                cursor = await connection.execute(APPLIED_QUERY)
                applied = [(str(app), str(name)) for app, name in await cursor.fetchall()]
            except psycopg.errors.UndefinedTable:
                raise CheckFailed("no migration has been applied") from None
        missing = missing_migrations(expected, applied)
        if missing:
            names = ", ".join(f"{app}.{name}" for app, name in missing[:3])
            raise CheckFailed(f"{len(missing)} migrations are not applied: {names}")
        return "answers; migrations applied"

    return check


def storage_check(paths: Sequence[Path]) -> Check:
    """At least one store takes writes; the detail names those that do not."""

    async def check() -> str:
        failures = await asyncio.to_thread(lambda: [(path, _write_failure(path)) for path in paths])
        bad = [f"{path}: {reason}" for path, reason in failures if reason]
        if len(bad) == len(failures):
            raise CheckFailed(f"no store is writable: {'; '.join(bad)}")
        good = len(failures) - len(bad)
        return f"{good} of {len(failures)} stores writable" + (f"; not {'; '.join(bad)}" if bad else "")

    return check


def _write_failure(path: Path) -> str:
    probe = path / f".writable-{os.getpid()}"
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, b"\0" * 4096)
        finally:
            os.close(descriptor)
            probe.unlink(missing_ok=True)
    except OSError as error:
        return str(error.strerror)
    return ""


def members_check(count: Callable[[], int]) -> Check:
    """The cluster has at least one member: this node itself counts."""

    async def check() -> str:
        members = count()
        if members < 1:
            raise CheckFailed("no member of the cluster is known, not even this node")
        return f"{members} member{'s' if members != 1 else ''}"

    return check
