"""A revoked right ends on every worker within a second: two workers, one of them a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connections

from control.directory import DjangoDirectory
from control.invalidation import InvalidationListener
from control.models import Region
from control.services import apps, credentials, policies, tenants
from control.services.bucket_phases import RegionalSide
from control.services.credentials import IssuedCredential
from control.services.origin import Origin
from dataplane.crypto.keys import KeyRing
from tests.support.postgres import Databases

ROOT = Path(__file__).resolve().parents[3]
DEADLINE_SECONDS = 20.0


class LocalWorker:
    """A directory and its listener in the test's own process."""

    def __init__(self, url: str, key_ring: KeyRing, regional: RegionalSide) -> None:
        self.directory = DjangoDirectory(key_ring=key_ring, regional=regional)
        self.listener = InvalidationListener(url, self.directory)
        self.task = asyncio.create_task(self.listener.run())

    async def ask(self, access_key: str) -> dict[str, Any]:
        cached = self.directory.cached_credential(access_key) is not None
        credential = await self.directory.credential(access_key)
        if credential is None:
            return {"cached": cached, "grants": None, "secret": None}
        grants = [grant.action for grant in credential.principal.grants]
        return {"cached": cached, "grants": grants, "secret": credential.secret_key}

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.directory.close()


class RemoteWorker:
    """`directory_process.py` on the other end of two pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, databases: Databases, key_hex: str) -> RemoteWorker:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.integration.control.directory_process",
            key_hex,
            cwd=ROOT,
            env={
                **os.environ,
                "GLOBAL_DATABASE_URL": databases.global_url,
                "REGIONAL_DATABASE_URL": databases.regional_url,
            },
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        worker = cls(process)
        assert await worker._line() == b"ready\n"
        return worker

    async def ask(self, access_key: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(access_key.encode() + b"\n")
        answer: dict[str, Any] = json.loads(await self._line())
        return answer

    async def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        await asyncio.wait_for(self.process.wait(), DEADLINE_SECONDS)

    async def _line(self) -> bytes:
        assert self.process.stdout is not None
        return await asyncio.wait_for(self.process.stdout.readline(), DEADLINE_SECONDS)


Workers = tuple[LocalWorker, RemoteWorker]


@pytest.fixture
async def workers(
    control_databases: Databases, region: Region, key_ring: KeyRing, regional: RegionalSide
) -> AsyncIterator[Workers]:
    remote = await RemoteWorker.start(control_databases, (b"1" * 32).hex())
    local = LocalWorker(control_databases.global_url, key_ring, regional)
    try:
        await asyncio.wait_for(local.listener.listening(), DEADLINE_SECONDS)
        yield local, remote
    finally:
        await local.stop()
        await remote.stop()


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "not reached in time"
        await asyncio.sleep(0.005)


async def change(function: Callable[[], object]) -> None:
    def call() -> None:
        try:
            function()
        finally:
            connections.close_all()

    await asyncio.to_thread(call)


async def seconds_until(worker: LocalWorker | RemoteWorker, access_key: str, expected: dict[str, Any]) -> float:
    started = time.monotonic()
    while True:
        answer = await worker.ask(access_key)
        elapsed_seconds = time.monotonic() - started
        if all(answer[name] == value for name, value in expected.items()):
            return elapsed_seconds
        assert elapsed_seconds < DEADLINE_SECONDS, f"still {answer}"
        await asyncio.sleep(0.005)


async def kept_answer(worker: LocalWorker | RemoteWorker, access_key: str) -> dict[str, Any]:
    """Asks until the answer comes from the cache (a late notice of the change before may empty it once more)."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        answer = await worker.ask(access_key)
        if answer["cached"] or answer["grants"] is None:
            return answer
        assert time.monotonic() < deadline, "never cached"


async def test_every_revocation_reaches_both_workers_within_a_second(
    workers: Workers, issued: IssuedCredential, key_ring: KeyRing, origin: Origin
) -> None:
    app, row, key = issued.credential.app, issued.credential, issued.access_key
    changes: list[tuple[Callable[[], object], dict[str, Any]]] = [
        (lambda: policies.grant(app, action="object:read", resource="*", origin=origin), {"grants": ["object:read"]}),
        (lambda: policies.revoke(app, action="object:read", resource="*", origin=origin), {"grants": []}),
        (lambda: credentials.set_enabled(row, enabled=False, origin=origin), {"grants": None}),
        (lambda: credentials.set_enabled(row, enabled=True, origin=origin), {"grants": []}),
        (lambda: apps.set_enabled(app, enabled=False, origin=origin), {"grants": None}),
        (lambda: apps.set_enabled(app, enabled=True, origin=origin), {"grants": []}),
        (lambda: tenants.update(app.tenant, enabled=False, origin=origin), {"grants": None}),
        (lambda: tenants.update(app.tenant, enabled=True, origin=origin), {"grants": []}),
    ]
    for make, expected in changes:
        for worker in workers:
            assert (await kept_answer(worker, key))["grants"] != expected["grants"]
        await change(make)
        for elapsed_seconds in await asyncio.gather(*(seconds_until(worker, key, expected) for worker in workers)):
            assert elapsed_seconds < 1.0
    old_secret = issued.secret_key
    assert [(await worker.ask(key))["secret"] for worker in workers] == [old_secret, old_secret]
    fresh: list[str] = []
    await change(lambda: fresh.append(apps.reset_secret(app, key_ring=key_ring, origin=origin).secret_key))
    for worker in workers:
        assert await seconds_until(worker, key, {"secret": fresh[0]}) < 1.0
    await change(lambda: apps.delete(app, origin=origin))
    for worker in workers:
        assert await seconds_until(worker, key, {"secret": None}) < 1.0


async def test_a_worker_that_hears_nothing_still_forgets_within_about_a_second_and_recovers(
    workers: Workers, control_databases: Databases, issued: IssuedCredential, origin: Origin
) -> None:
    """Its listening connection is cut and kept from coming back; then it may come back."""
    local, _ = workers
    app, key = issued.credential.app, issued.access_key
    await local.ask(key)
    with psycopg.connect(control_databases.global_url, autocommit=True) as connection:
        [name] = connection.execute("SELECT quote_ident(current_database())").fetchone() or [""]
        good_url, local.listener._database_url = local.listener._database_url, "postgresql:///x?host=/nonexistent"
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s "
            "AND application_name = 'anvil invalidation listener'",
            [name],
        )
    await until(lambda: not local.listener.is_listening)
    await local.ask(key)
    await change(lambda: policies.grant(app, action="bucket:list", resource="*", origin=origin))
    assert await seconds_until(local, key, {"grants": ["bucket:list"]}) < 1.5

    local.listener._database_url = good_url
    await asyncio.wait_for(local.listener.listening(), DEADLINE_SECONDS)
    await change(lambda: policies.revoke(app, action="bucket:list", resource="*", origin=origin))
    assert await seconds_until(local, key, {"grants": []}) < 1.0


async def test_notices_that_come_while_the_connection_is_busy_are_not_lost(
    control_databases: Databases,
) -> None:
    """The ping and the notices share a connection; with a ping every few milliseconds they meet often."""
    heard: list[str] = []

    class Recorder:
        def forget(self, kind: str, key: str) -> None:
            heard.append(f"{kind}:{key}")

        def hears_changes(self) -> None: ...

        def hears_nothing(self) -> None: ...

    listener = InvalidationListener(control_databases.global_url, Recorder(), ping_seconds=0.001)
    task = asyncio.create_task(listener.run())
    try:
        await asyncio.wait_for(listener.listening(), DEADLINE_SECONDS)
        expected = [f"bucket:photos-{number}" for number in range(500)]
        async with await psycopg.AsyncConnection.connect(control_databases.global_url, autocommit=True) as sender:
            for payload in expected:
                await sender.execute("SELECT pg_notify('anvil_invalidate', %s)", [payload])
        await until(lambda: len(heard) >= len(expected))
        assert heard == expected
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
