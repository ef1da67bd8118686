"""The cache in front of the directory's lookups: ages, bounds, one lookup a key, notices that cross an answer."""

from __future__ import annotations

import asyncio

import pytest

from control.lookup_cache import LookupCache
from dataplane.errors import Overloaded


class Source:
    """Lookups that a test answers by hand."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.futures: dict[str, asyncio.Future[str | None]] = {}

    def start(self, key: str) -> asyncio.Future[str | None]:
        self.started.append(key)
        self.futures[key] = asyncio.get_running_loop().create_future()
        return self.futures[key]


class Clock:
    now_seconds = 1_000.0

    def __call__(self) -> float:
        return self.now_seconds


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(source: Source, clock: Clock) -> LookupCache[str]:
    return LookupCache(
        "things",
        source.start,
        capacity=3,
        ttl_seconds=100.0,
        negative_ttl_seconds=5.0,
        lookups_limit=4,
        clock=clock,
    )


async def fill(cache: LookupCache[str], source: Source, key: str, value: str | None) -> str | None:
    waiter = asyncio.ensure_future(cache.get(key))
    await asyncio.sleep(0)
    source.futures[key].set_result(value)
    return await waiter


async def test_an_answer_is_kept_until_it_is_too_old(cache: LookupCache[str], source: Source, clock: Clock) -> None:
    assert cache.cached("a") is None
    assert await fill(cache, source, "a", "one") == "one"
    clock.now_seconds += 99.9
    assert cache.cached("a") == "one"
    assert await cache.get("a") == "one"
    assert source.started == ["a"]
    clock.now_seconds += 0.1
    assert cache.cached("a") is None
    assert await fill(cache, source, "a", "two") == "two"


async def test_a_negative_answer_is_kept_for_its_own_shorter_time(
    cache: LookupCache[str], source: Source, clock: Clock
) -> None:
    assert await fill(cache, source, "a", None) is None
    clock.now_seconds += 4.9
    assert await cache.get("a") is None
    assert source.started == ["a"]
    clock.now_seconds += 0.1
    assert await fill(cache, source, "a", "now it is there") == "now it is there"
    assert len(cache) == 1


async def test_callers_of_one_key_share_a_lookup(cache: LookupCache[str], source: Source) -> None:
    waiters = [asyncio.ensure_future(cache.get("a")) for _ in range(5)]
    await asyncio.sleep(0)
    source.futures["a"].set_result("one")
    assert await asyncio.gather(*waiters) == ["one"] * 5
    assert source.started == ["a"]


async def test_a_cancelled_caller_leaves_the_lookup_to_the_others(cache: LookupCache[str], source: Source) -> None:
    impatient, patient = (asyncio.ensure_future(cache.get("a")) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)
    source.futures["a"].set_result("one")
    assert await patient == "one"
    assert cache.cached("a") == "one"


async def test_a_failure_reaches_all_who_wait_and_is_not_kept(cache: LookupCache[str], source: Source) -> None:
    waiters = [asyncio.ensure_future(cache.get("a")) for _ in range(2)]
    await asyncio.sleep(0)
    source.futures["a"].set_exception(OSError("away"))
    results = await asyncio.gather(*waiters, return_exceptions=True)
    assert [str(result) for result in results] == ["away", "away"]
    assert len(cache) == 0
    assert await fill(cache, source, "a", "one") == "one"


async def test_an_answer_read_before_a_change_is_not_kept_after_the_notice(
    cache: LookupCache[str], source: Source
) -> None:
    early = asyncio.ensure_future(cache.get("a"))
    await asyncio.sleep(0)
    old_lookup = source.futures["a"]
    cache.drop("a")
    late = asyncio.ensure_future(cache.get("a"))
    await asyncio.sleep(0)
    assert source.started == ["a", "a"], "who asks after the notice must not join the lookup from before it"
    source.futures["a"].set_result("new")
    assert await late == "new"
    old_lookup.set_result("old")
    assert await early == "old"
    assert cache.cached("a") == "new"


@pytest.mark.parametrize("everything", [True, False])
async def test_dropping_many_outdates_all_lookups_under_way(
    cache: LookupCache[str], source: Source, everything: bool
) -> None:
    waiter = asyncio.ensure_future(cache.get("a"))
    await asyncio.sleep(0)
    if everything:
        cache.clear()
    else:
        cache.drop_where(lambda value: False)
    source.futures["a"].set_result("old")
    assert await waiter == "old"
    assert cache.cached("a") is None


async def test_drop_where_takes_what_matches_and_every_negative_answer(cache: LookupCache[str], source: Source) -> None:
    await fill(cache, source, "a", "red")
    await fill(cache, source, "b", "blue")
    await fill(cache, source, "c", None)
    cache.drop_where(lambda value: value == "red")
    assert (cache.cached("a"), cache.cached("b")) == (None, "blue")
    assert await fill(cache, source, "c", "there after all") == "there after all"


async def test_the_oldest_answers_go_first_and_unknown_keys_push_out_no_known_one(
    cache: LookupCache[str], source: Source
) -> None:
    for key in ("a", "b", "c", "d"):
        await fill(cache, source, key, key.upper())
    for number in range(10):
        await fill(cache, source, f"unknown {number}", None)
    assert [cache.cached(key) for key in ("a", "b", "c", "d")] == [None, "B", "C", "D"]
    assert len(cache) == 6


async def test_too_many_lookups_at_once_are_refused(cache: LookupCache[str], source: Source) -> None:
    waiters = [asyncio.ensure_future(cache.get(f"key {number}")) for number in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="things"):
        await cache.get("one more")
    for future in source.futures.values():
        future.set_result("x")
    await asyncio.gather(*waiters)
    assert await fill(cache, source, "one more", "x") == "x"


async def test_an_age_cap_shortens_both_limits_and_is_taken_back(
    cache: LookupCache[str], source: Source, clock: Clock
) -> None:
    await fill(cache, source, "a", "one")
    await fill(cache, source, "b", None)
    cache.cap_age(1.0)
    clock.now_seconds += 0.9
    assert cache.cached("a") == "one"
    clock.now_seconds += 0.1
    assert cache.cached("a") is None
    assert await fill(cache, source, "b", "two") == "two"
    cache.cap_age(float("inf"))
    clock.now_seconds += 50
    assert cache.cached("a") == "one"


async def test_an_answer_is_as_old_as_its_question(cache: LookupCache[str], source: Source, clock: Clock) -> None:
    waiter = asyncio.ensure_future(cache.get("a"))
    await asyncio.sleep(0)
    clock.now_seconds += 60
    source.futures["a"].set_result("one")
    await waiter
    clock.now_seconds += 40
    assert cache.cached("a") is None
