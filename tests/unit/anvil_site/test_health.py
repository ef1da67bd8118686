"""Health pages: statuses, what a probe storm costs, checks that fail, hang or lie broken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from anvil_site.health import (
    Check,
    CheckFailed,
    HealthApplication,
    Readiness,
    database_check,
    members_check,
    storage_check,
)
from anvil_site.migration_state import expected_migrations
from tests.support.postgres import Databases


class Page:
    """In place of the exposition."""

    async def page(self) -> bytes:
        return b"anvil_x 1\n"


async def ask(application: Any, path: str, method: str = "GET") -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[Mapping[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await application({"type": "http", "method": method, "path": path, "headers": []}, None, send)
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(message["body"] for message in sent[1:])


def application(checks: Mapping[str, Check], **options: Any) -> HealthApplication:
    about = {"node_id": "n"}
    return HealthApplication(Readiness(checks, **options), Page(), about=about, supervisor_pid=1)  # type: ignore[arg-type]


async def fine() -> str:
    return "fine"


async def broken() -> str:
    raise CheckFailed("cannot connect to postgresql://anvil:hunter2@db/x\nsecond line")


async def test_alive_whatever_the_checks_say() -> None:
    for path in ("/", "/health/live"):
        status, headers, body = await ask(application({"a": broken}), path)
        assert (status, json.loads(body)) == (200, {"status": "alive"})
        assert headers[b"content-length"] == str(len(body)).encode()


async def test_ready_only_if_every_check_is_fine() -> None:
    status, _, body = await ask(application({"a": fine}), "/ready")
    assert (status, json.loads(body)["status"]) == (200, "ready")
    status, _, body = await ask(application({"a": fine, "b": broken}), "/health/ready")
    document = json.loads(body)
    assert (status, document["status"]) == (503, "not ready")
    assert document["checks"]["a"]["ok"]
    assert not document["checks"]["b"]["ok"]
    assert "hunter2" not in body.decode()
    assert "\n" not in document["checks"]["b"]["detail"]


async def test_the_summary_is_200_and_says_both() -> None:
    status, _, body = await ask(application({"b": broken}), "/health")
    document = json.loads(body)
    assert (status, document["status"], document["node_id"]) == (200, "not ready", "n")


async def test_head_has_no_body_and_other_methods_are_refused() -> None:
    status, headers, body = await ask(application({"a": fine}), "/ready", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers[b"content-length"]) > 0
    status, headers, _ = await ask(application({}), "/", "POST")
    assert (status, headers[b"allow"]) == (405, b"GET, HEAD")


async def test_metrics_are_text() -> None:
    status, headers, body = await ask(application({}), "/metrics")
    assert (status, body) == (200, b"anvil_x 1\n")
    assert headers[b"content-type"].startswith(b"text/plain; version=0.0.4")


async def test_a_storm_of_probes_runs_each_check_once() -> None:
    runs = 0

    async def counted() -> str:
        nonlocal runs
        runs += 1
        await asyncio.sleep(0)
        return "fine"

    node = application({"a": counted}, keep_seconds=60.0)
    await asyncio.gather(*(ask(node, "/ready") for _ in range(100)))
    assert runs == 1
    fresh = application({"a": counted}, keep_seconds=-1.0)
    await ask(fresh, "/ready")
    await ask(fresh, "/ready")
    assert runs == 3


async def test_a_check_that_hangs_fails_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anvil_site.health.CHECK_TIMEOUT_SECONDS", 0.02)

    async def hangs() -> str:
        await asyncio.Event().wait()
        return ""

    results = await Readiness({"a": hangs, "b": fine}).results()
    assert not results["a"].ok
    assert "no answer" in results["a"].detail
    assert results["b"].ok


async def test_a_draining_node_is_not_ready() -> None:
    readiness = Readiness({"a": fine})
    assert all(result.ok for result in (await readiness.results()).values())
    readiness.drain()
    results = await readiness.results()
    assert [name for name, result in results.items() if not result.ok] == ["serving"]


async def test_the_database_check(databases: Databases) -> None:
    expected = expected_migrations("regional")
    assert ("metadata", "0001_initial") in expected
    assert await database_check(databases.regional_url, expected)() == "answers; migrations applied"
    later = expected | {("metadata", "9999_later")}
    with pytest.raises(CheckFailed, match=r"1 migrations are not applied: metadata\.9999_later"):
        await database_check(databases.regional_url, later)()
    with psycopg.connect(databases.regional_url) as connection:
        connection.execute("DROP TABLE django_migrations")
    with pytest.raises(CheckFailed, match="no migration has been applied"):
        await database_check(databases.regional_url, expected)()
    with pytest.raises(CheckFailed, match="cannot connect"):
        await database_check("postgresql://nobody@/nothing?host=/nonexistent", expected)()


async def test_the_storage_check(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.mkdir()
    assert await storage_check([good])() == "1 of 1 stores writable"
    assert "1 of 2 stores writable; not" in await storage_check([good, bad])()
    with pytest.raises(CheckFailed, match="no store is writable"):
        await storage_check([bad])()
    assert list(good.iterdir()) == []


async def test_the_members_check() -> None:
    assert await members_check(lambda: 1)() == "1 member"
    with pytest.raises(CheckFailed):
        await members_check(lambda: 0)()
