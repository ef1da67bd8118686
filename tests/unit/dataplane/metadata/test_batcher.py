"""Micro-batching: who goes when, with whom, and who fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from dataplane.errors import MetadataUnavailable, Overloaded
from dataplane.metadata.batcher import Batcher, BatchLimits


class Runs:
    """Answers each item with its double; holds every run until released."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.error: Exception | None = None
        self.bad: set[int] = set()

    async def __call__(self, batch: Sequence[int]) -> list[int]:
        self.batches.append(list(batch))
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        if self.bad.intersection(batch):
            raise ValueError(f"one of {batch}")
        return [item * 2 for item in batch]


@pytest.fixture
def runs() -> Runs:
    return Runs()


def batcher_of(runs: Runs, **limits: int) -> Batcher[int, int]:
    return Batcher(
        "tests", runs, identity=lambda item: item, weight_bytes=lambda item: item, limits=BatchLimits(**limits)
    )


async def started() -> None:
    """Lets the flights that were created begin."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_alone_an_item_goes_at_once(runs: Runs) -> None:
    runs.gate.set()
    assert await batcher_of(runs).submit(21) == 42
    assert runs.batches == [[21]]


async def test_what_comes_meanwhile_goes_together(runs: Runs) -> None:
    batcher = batcher_of(runs, flights=2, batch_items=3)
    futures = []
    for item in range(8):
        futures.append(batcher.submit(item))
        await started()
    assert runs.batches == [[0], [1]]
    runs.gate.set()
    assert await asyncio.gather(*futures) == [item * 2 for item in range(8)]
    assert runs.batches[2:] == [[2, 3, 4], [5, 6, 7]]


async def test_a_batch_is_bounded_in_bytes_but_takes_at_least_one(runs: Runs) -> None:
    batcher = batcher_of(runs, flights=1, batch_bytes=10)
    first = batcher.submit(1)
    await started()
    rest = [batcher.submit(item) for item in (6, 5, 100, 4)]
    runs.gate.set()
    await asyncio.gather(first, *rest)
    assert runs.batches == [[1], [6], [5], [100], [4]]


async def test_the_same_identity_waits_for_the_next_batch_in_order(runs: Runs) -> None:
    batcher = batcher_of(runs, flights=1)
    first = batcher.submit(1)
    await started()
    rest = [batcher.submit(item) for item in (2, 3, 2, 3, 2, 4)]
    runs.gate.set()
    await asyncio.gather(first, *rest)
    assert runs.batches == [[1], [2, 3, 4], [2, 3], [2]]


async def test_a_bad_item_fails_alone(runs: Runs) -> None:
    batcher = batcher_of(runs, flights=1)
    runs.bad = {3}
    first = batcher.submit(1)
    await started()
    rest = [batcher.submit(item) for item in (2, 3, 4)]
    runs.gate.set()
    outcomes = await asyncio.gather(first, *rest, return_exceptions=True)
    assert [outcome for outcome in outcomes if not isinstance(outcome, ValueError)] == [2, 4, 8]
    assert runs.batches == [[1], [2, 3, 4], [2], [3], [4]]


async def test_where_the_database_is_away_nothing_is_tried_again(runs: Runs) -> None:
    batcher = batcher_of(runs, flights=1)
    runs.error = MetadataUnavailable("gone")
    first = batcher.submit(1)
    await started()
    rest = [batcher.submit(item) for item in (2, 3)]
    runs.gate.set()
    outcomes = await asyncio.gather(first, *rest, return_exceptions=True)
    assert all(isinstance(outcome, MetadataUnavailable) for outcome in outcomes)
    assert runs.batches == [[1], [2, 3]]


async def test_a_full_queue_refuses(runs: Runs) -> None:
    batcher = batcher_of(runs, flights=1, queue_items=2, queue_bytes=100)
    futures = [batcher.submit(1)]
    await started()
    futures += [batcher.submit(2), batcher.submit(3)]
    with pytest.raises(Overloaded):
        batcher.submit(4)
    runs.gate.set()
    await asyncio.gather(*futures)
    with pytest.raises(Overloaded):
        batcher.submit(101)
    assert await batcher.submit(5) == 10


async def test_a_cancelled_item_is_not_sent(runs: Runs) -> None:
    batcher = batcher_of(runs, flights=1)
    first = batcher.submit(1)
    await started()
    second, third = batcher.submit(2), batcher.submit(3)
    second.cancel()
    runs.gate.set()
    assert await asyncio.gather(first, third) == [2, 6]
    assert runs.batches == [[1], [3]]


async def test_drain_waits_for_everything(runs: Runs) -> None:
    batcher = batcher_of(runs, flights=2)
    futures = [batcher.submit(item) for item in range(5)]
    await started()
    draining = asyncio.ensure_future(batcher.drain())
    await started()
    assert not draining.done()
    runs.gate.set()
    await draining
    assert all(future.done() for future in futures)
