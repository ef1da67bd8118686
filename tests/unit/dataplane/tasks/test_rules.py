"""Retries and pacing, as pure rules."""

from __future__ import annotations

import pytest

from dataplane.tasks.registry import PeriodicJob, Registry, TaskKind
from dataplane.tasks.rules import Backoff, Pacing, RetryPolicy


def test_waits_grow_up_to_the_most() -> None:
    backoff = Backoff(first_seconds=1.0, factor=3.0, most_seconds=20.0)
    assert [backoff.delay_seconds(n, 0.0) for n in (1, 2, 3, 4, 5)] == [1.0, 3.0, 9.0, 20.0, 20.0]
    assert backoff.delay_seconds(10_000, 0.0) == 20.0


def test_chance_takes_at_most_a_quarter_off() -> None:
    backoff = Backoff(first_seconds=8.0)
    assert backoff.delay_seconds(1, 0.999) == pytest.approx(6.0, abs=0.01)


@pytest.mark.parametrize(("attempts", "chance"), [(0, 0.0), (1, 1.0), (1, -0.1)])
def test_nonsense_is_refused(attempts: int, chance: float) -> None:
    with pytest.raises(ValueError, match="are meant"):
        Backoff().delay_seconds(attempts, chance)


def test_a_task_dies_after_its_last_attempt_or_never() -> None:
    assert RetryPolicy(max_attempts=2).after_failure(1, 0.0) == 1.0
    assert RetryPolicy(max_attempts=2).after_failure(2, 0.0) is None
    assert RetryPolicy(max_attempts=None).after_failure(1_000_000, 0.0) == 3600.0


def test_an_empty_queue_is_asked_less_and_less() -> None:
    pacing = Pacing(shortest_seconds=0.1, longest_seconds=1.0)
    assert [pacing.after(0) for _ in range(6)] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0])
    assert pacing.after(3) == 0.0
    assert pacing.after(0) == pytest.approx(0.1)


async def nothing(_payload: object) -> None: ...


def test_kinds_are_registered_once() -> None:
    kind = TaskKind("Kind", nothing)
    registry = Registry([kind])
    assert (len(registry), registry["Kind"], list(registry)) == (1, kind, [kind])
    with pytest.raises(ValueError, match="registered twice"):
        Registry([kind, kind])


def test_senseless_kinds_and_jobs_are_refused() -> None:
    with pytest.raises(ValueError, match="'Kind'"):
        TaskKind("Kind", nothing, concurrency=0)
    with pytest.raises(ValueError, match="'job'"):
        PeriodicJob("job", lambda: nothing(None), 0)
