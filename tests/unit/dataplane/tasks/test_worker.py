"""The worker loop over a queue in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from prometheus_client import REGISTRY

from dataplane.tasks import worker as worker_module
from dataplane.tasks.registry import Payload, PeriodicJob, Registry, TaskKind
from dataplane.tasks.rules import Pacing, RetryPolicy
from dataplane.tasks.worker import TaskWorker, run_periodically, run_tasks
from tests.support.memory_tasks import MemoryTaskQueue


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - several kinds of things are waited for
            await asyncio.sleep(0.001)


@asynccontextmanager
async def working(queue: MemoryTaskQueue, *kinds: TaskKind) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    worker = TaskWorker(queue, Registry(kinds), chance=lambda: 0.0, pacing=lambda: Pacing(0.001, 0.002))
    task = asyncio.create_task(worker.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await task


async def test_tasks_are_run_and_completed() -> None:
    queue, seen = MemoryTaskQueue(), []

    async def run(payload: Payload) -> None:
        seen.append(payload["number"])

    for number in range(20):
        queue.add("Kind", number=number)
    queue.add("Other", number=99)
    async with working(queue, TaskKind("Kind", run, concurrency=3)):
        await until(lambda: len(queue.tasks) == 1)
    assert sorted(seen) == list(range(20))
    labels = {"kind": "Kind", "outcome": "done"}
    assert (REGISTRY.get_sample_value("anvil_task_runs_total", labels) or 0) >= 20


async def test_concurrency_is_bounded() -> None:
    queue, running, most, go_on = MemoryTaskQueue(), 0, 0, asyncio.Event()

    async def run(_payload: Payload) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await go_on.wait()
        running -= 1

    for _ in range(7):
        queue.add("Kind")
    async with working(queue, TaskKind("Kind", run, concurrency=2)):
        await until(lambda: running == 2)
        go_on.set()
        await until(lambda: not queue.tasks)
    assert most == 2


async def test_a_failed_task_waits_and_comes_back() -> None:
    queue, attempts = MemoryTaskQueue(), 0

    async def run(_payload: Payload) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise RuntimeError("the store is away")

    task = queue.add("Kind")
    async with working(queue, TaskKind("Kind", run)):
        await until(lambda: bool(task.last_error))
        assert task.last_error == "RuntimeError: the store is away"
        assert task.due == queue.clock.seconds + 1.0
        queue.clock.seconds += 1.0
        await until(lambda: not queue.tasks)
    assert attempts == 2


async def test_a_task_dies_with_its_last_error() -> None:
    queue = MemoryTaskQueue()

    async def run(_payload: Payload) -> None:
        raise RuntimeError("x" * 5000)

    task = queue.add("Kind")
    async with working(queue, TaskKind("Kind", run, retry=RetryPolicy(max_attempts=1))):
        await until(lambda: task.dead)
    assert len(task.last_error) == worker_module.MAX_ERROR_CHARACTERS


async def test_an_attempt_ends_before_its_lease() -> None:
    queue = MemoryTaskQueue()

    async def run(_payload: Payload) -> None:
        await asyncio.Event().wait()

    task = queue.add("Kind")
    async with working(queue, TaskKind("Kind", run, lease_seconds=0.05)):
        await until(lambda: bool(task.last_error))
    assert "longer than 0.045 s" in task.last_error


async def test_a_task_settles_before_its_first_attempt() -> None:
    queue, seen = MemoryTaskQueue(), []

    async def run(payload: Payload) -> None:
        seen.append(payload)

    queue.add("Kind")
    queue.add("Eager")
    async with working(queue, TaskKind("Kind", run, settle_seconds=60.0), TaskKind("Eager", run)):
        await until(lambda: len(queue.tasks) == 1)
        queue.clock.seconds += 60.0
        await until(lambda: not queue.tasks)
    assert len(seen) == 2


async def test_a_slow_kind_does_not_starve_another() -> None:
    queue, stuck = MemoryTaskQueue(), asyncio.Event()

    async def slow(_payload: Payload) -> None:
        await stuck.wait()

    async def quick(_payload: Payload) -> None: ...

    queue.add("Slow")
    queue.add("Quick")
    async with working(queue, TaskKind("Slow", slow, concurrency=1), TaskKind("Quick", quick)):
        await until(lambda: [task.kind for task in queue.tasks.values()] == ["Slow"])
        stuck.set()
        await until(lambda: not queue.tasks)


async def test_a_stop_lets_running_tasks_end() -> None:
    queue, begun, go_on = MemoryTaskQueue(), asyncio.Event(), asyncio.Event()

    async def run(_payload: Payload) -> None:
        begun.set()
        await go_on.wait()

    queue.add("Kind")
    async with working(queue, TaskKind("Kind", run)) as stop:
        await begun.wait()
        stop.set()
        go_on.set()
    assert queue.tasks == {}


async def test_a_stop_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "STOP_GRACE_SECONDS", 0.01)
    queue, begun = MemoryTaskQueue(), asyncio.Event()

    async def run(_payload: Payload) -> None:
        begun.set()
        await asyncio.Event().wait()

    task = queue.add("Kind")
    async with working(queue, TaskKind("Kind", run)):
        await begun.wait()
    # Nobody failed it: it comes back when its lease is over.
    assert (task.attempts, task.last_error) == (1, "")


async def test_an_unreachable_queue_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "UNREACHABLE_WAIT_SECONDS", 0.001)
    queue, asked = MemoryTaskQueue(), 0
    claim = queue.claim

    async def counted(*arguments, **named):  # type: ignore[no-untyped-def]
        nonlocal asked
        asked += 1
        return await claim(*arguments, **named)

    queue.claim = counted  # type: ignore[method-assign]
    queue.failure = ConnectionError("gone")

    async def run(_payload: Payload) -> None: ...

    queue.add("Kind")
    async with working(queue, TaskKind("Kind", run)):
        await until(lambda: asked > 3)
        queue.failure = None
        await until(lambda: not queue.tasks)


async def test_the_queue_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "MEASURE_EVERY_SECONDS", 0.001)
    queue = MemoryTaskQueue()
    task = queue.add("Measured")
    labels = {"kind": "Measured", "state": "pending"}
    async with working(queue):
        await until(lambda: REGISTRY.get_sample_value("anvil_task_queue_length", labels) == 1)
        del queue.tasks[task.id]
        await until(lambda: REGISTRY.get_sample_value("anvil_task_queue_length", labels) == 0)


async def test_periodic_jobs_run_again_after_a_failure() -> None:
    runs, stop = 0, asyncio.Event()

    async def run() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise RuntimeError("once")
        if runs == 3:
            stop.set()

    await run_periodically(PeriodicJob("job", run, 0.001), stop)
    assert runs == 3


async def test_run_tasks_does_both_until_stopped() -> None:
    queue, stop, done = MemoryTaskQueue(), asyncio.Event(), []

    async def run(payload: Payload) -> None:
        done.append(payload)

    async def tick() -> None:
        done.append("tick")

    queue.add("Kind")
    task = asyncio.create_task(
        run_tasks(queue, Registry([TaskKind("Kind", run)]), [PeriodicJob("job", tick, 60.0)], stop)
    )
    await until(lambda: len(done) == 2 and not queue.tasks)
    stop.set()
    await task
