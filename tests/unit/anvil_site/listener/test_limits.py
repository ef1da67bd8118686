"""The token bucket, and the clock that the limits are looked at by."""

from __future__ import annotations

import pytest
from h2.errors import ErrorCodes

from anvil_site.listener.errors import FrameError
from anvil_site.listener.floods import FloodGuard
from anvil_site.listener.limits import Limits, TokenBucket, limits_for


def test_a_burst_and_then_the_rate() -> None:
    bucket = TokenBucket(3, 2, now_seconds=100)
    assert [bucket.spend(100) for _ in range(4)] == [True, True, True, False]
    assert bucket.spend(101.0)
    assert not bucket.spend(101.0)


def test_tokens_do_not_pile_up() -> None:
    bucket = TokenBucket(2, 1, now_seconds=0)
    assert [bucket.spend(1000) for _ in range(3)] == [True, True, False]


def test_a_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    bucket = TokenBucket(1, 1000, now_seconds=10)
    assert bucket.spend(10)
    assert not bucket.spend(9)


def test_earned_tokens_exceed_the_burst() -> None:
    bucket = TokenBucket(1, 0, now_seconds=0)
    bucket.earn(5)
    assert [bucket.spend(0) for _ in range(7)] == [True] * 6 + [False]


def test_updates_are_earned_by_what_was_sent() -> None:
    guard = FloodGuard(Limits(window_update_burst=2, window_update_per_second=0), 0)
    for count in range(1, 50):
        guard.window_update(0, count * 1024)
    guard.window_update(0, 49 * 1024)
    guard.window_update(0, 49 * 1024)
    with pytest.raises(FrameError) as caught:
        guard.window_update(0, 49 * 1024)
    assert caught.value.code == ErrorCodes.ENHANCE_YOUR_CALM


def test_ticks_are_fine_enough_for_the_shortest_limit() -> None:
    assert Limits().tick_seconds() == 5.0
    assert Limits(stall_seconds=1.0).tick_seconds() == 0.5
    assert Limits(idle_seconds=0.001).tick_seconds() == 0.02


def test_several_workers_ask_for_several_connections() -> None:
    assert limits_for(1).settled_streams == limits_for(1).max_streams
    assert limits_for(4).settled_streams == 16
    assert limits_for(4).max_streams == limits_for(1).max_streams
