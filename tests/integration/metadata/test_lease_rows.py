"""Leases: one holder at a time, tokens that only grow, and a stale holder that can write nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from django.db import connections

from dataplane.errors import MetadataUnavailable
from dataplane.metadata.lease_rows import LeaseLockMode, LeaseRows
from tests.support.postgres import Databases, django_connected_to

pytestmark = pytest.mark.usefixtures("connected")


@pytest.fixture
def connected(module_databases: Databases) -> Iterator[None]:
    with django_connected_to(module_databases):
        yield


@pytest.fixture(params=list(LeaseLockMode))
async def leases(request: pytest.FixtureRequest) -> AsyncIterator[tuple[LeaseRows, LeaseRows]]:
    both = (LeaseRows(lock_mode=request.param), LeaseRows(lock_mode=request.param))
    yield both
    for each in both:
        await each.close()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.name


async def expire(regional_url: str, name: str) -> None:
    async with await psycopg.AsyncConnection.connect(regional_url, autocommit=True) as connection:
        await connection.execute("UPDATE lease SET expires = clock_timestamp() WHERE name = %s", [name])


async def test_one_holds_it_until_it_runs_out(
    leases: tuple[LeaseRows, LeaseRows], regional_url: str, name: str
) -> None:
    first, second = leases
    assert await first.acquire(name, "a", 60) == 1
    assert await second.acquire(name, "b", 60) is None
    assert await first.acquire(name, "a", 60) is None, "not even its holder takes it twice"
    assert await first.renew(name, "a", 1, 60)
    await expire(regional_url, name)
    assert await second.acquire(name, "b", 60) == 2
    assert not await first.renew(name, "a", 1, 60)
    assert not await first.save_cursor(name, "a", 1, {"at": "stale"})
    assert await second.save_cursor(name, "b", 2, {"at": "here"})
    await first.release(name, "a", 1)
    assert await second.renew(name, "b", 2, 60)


async def test_a_released_lease_is_free_and_its_token_grows(leases: tuple[LeaseRows, LeaseRows], name: str) -> None:
    first, second = leases
    assert await first.read_cursor(name) is None
    assert await first.acquire(name, "a", 60) == 1
    assert await first.save_cursor(name, "a", 1, ["k", 7])
    await first.release(name, "a", 1)
    assert await second.acquire(name, "b", 60) == 2
    assert await second.read_cursor(name) == ["k", 7]


async def test_of_many_that_try_at_once_one_gets_it(leases: tuple[LeaseRows, LeaseRows], name: str) -> None:
    for turn in range(10):
        tokens = await asyncio.gather(*(each.acquire(f"{name}{turn}", str(n), 60) for n in range(4) for each in leases))
        assert len([token for token in tokens if token is not None]) == 1


async def test_a_lost_connection_is_an_error_and_then_replaced(
    leases: tuple[LeaseRows, LeaseRows], regional_url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connections.settings["regional"], "CONN_MAX_AGE", None)
    first, _ = leases
    assert await first.acquire(name, "a", 60) == 1
    async with await psycopg.AsyncConnection.connect(regional_url, autocommit=True) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
            "pg_backend_pid()"
        )
    with pytest.raises(MetadataUnavailable):
        await first.renew(name, "a", 1, 60)
    assert await first.renew(name, "a", 1, 60)
