"""Work under a lease: the holder stops before anyone else may begin."""

from __future__ import annotations

import asyncio

import pytest

from dataplane.jobs.leased import LeaseKeeper, LeaseLostError
from dataplane.leases.state import HeldLease
from tests.support.memory_tasks import MemoryLeaseRows


async def test_work_runs_under_the_lease_and_gives_it_back() -> None:
    rows, seen = MemoryLeaseRows(), []

    async def work(lease: HeldLease) -> None:
        seen.append((lease.token, rows.holder))

    keeper = LeaseKeeper(rows, "me")
    assert await keeper.run("sweep", work)
    assert await keeper.run("sweep", work)
    assert seen == [(1, "me"), (2, "me")]
    assert rows.holder == ""


async def test_a_held_lease_is_not_taken() -> None:
    rows = MemoryLeaseRows()
    rows.steal("another")

    async def work(_lease: HeldLease) -> None:
        raise AssertionError("must not run")

    assert not await LeaseKeeper(rows, "me").run("sweep", work)
    assert rows.holder == "another"


async def test_long_work_renews() -> None:
    rows = MemoryLeaseRows()

    async def work(_lease: HeldLease) -> None:
        async with asyncio.timeout(5):
            while rows.renewals < 3:  # noqa: ASYNC110 - counted by the rows
                await asyncio.sleep(0.001)

    assert await LeaseKeeper(rows, "me", ttl_seconds=0.06).run("sweep", work)


async def test_a_stolen_lease_stops_the_work() -> None:
    rows, stopped = MemoryLeaseRows(), False

    async def work(_lease: HeldLease) -> None:
        nonlocal stopped
        rows.steal("another")
        try:
            await asyncio.Event().wait()
        finally:
            stopped = True

    with pytest.raises(LeaseLostError, match="'sweep'"):
        await LeaseKeeper(rows, "me", ttl_seconds=0.05).run("sweep", work)
    assert stopped
    assert (rows.holder, rows.token) == ("another", 2)


async def test_an_unreachable_database_stops_the_work_in_time() -> None:
    rows = MemoryLeaseRows()
    rows.failure = ConnectionError("gone")
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def work(_lease: HeldLease) -> None:
        await asyncio.Event().wait()

    with pytest.raises(LeaseLostError):
        await LeaseKeeper(rows, "me", ttl_seconds=0.2).run("sweep", work)
    assert 0.15 < loop.time() - began < 2.0


async def test_failing_work_gives_the_lease_back() -> None:
    rows = MemoryLeaseRows()

    async def work(_lease: HeldLease) -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        await LeaseKeeper(rows, "me").run("sweep", work)
    assert rows.holder == ""
