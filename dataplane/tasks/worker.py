"""The loop that works tasks off: claims what is due, runs it within its lease, completes it or fails it.

One loop per kind, so that a slow kind never starves another. A task whose worker dies, or that outlives its
lease, is claimed by somebody else: that is why every kind is idempotent. Must not know: single kinds, tables.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol

from dataplane import metrics
from dataplane.clock import SYSTEM_CLOCK, Clock
from dataplane.tasks.registry import Payload, PeriodicJob, Registry, TaskKind
from dataplane.tasks.rules import Pacing

logger = logging.getLogger(__name__)

LEASE_SHARE = 0.9
"""Of its lease an attempt may use: it must have stopped before somebody else begins."""

UNREACHABLE_WAIT_SECONDS = 5.0
MEASURE_EVERY_SECONDS = 15.0
STOP_GRACE_SECONDS = 10.0
MAX_ERROR_CHARACTERS = 2000


class ClaimedTask(Protocol):
    @property
    def id(self) -> int: ...

    @property
    def kind(self) -> str: ...

    @property
    def payload(self) -> Payload: ...

    @property
    def attempts(self) -> int:
        """Counts this one."""
        ...


class TaskCount(Protocol):
    @property
    def kind(self) -> str: ...

    @property
    def state(self) -> str:
        """`pending`, `running` or `dead`."""
        ...

    @property
    def count(self) -> int: ...

    @property
    def oldest_seconds(self) -> float:
        """How long the longest waiting of them has been due."""
        ...


class TaskQueue(Protocol):
    """The rows; `dataplane.metadata.task_rows` has them. Claims are fenced: who lost a task changes nothing."""

    async def claim(
        self, kinds: Sequence[str], limit: int, lease_seconds: float, settle_seconds: float = 0.0
    ) -> Sequence[ClaimedTask]:
        """Tasks that have been due for `settle_seconds`, the longest waiting first."""
        ...

    async def complete(self, task: Any) -> bool: ...

    async def fail(self, task: Any, error: str, retry_seconds: float | None) -> bool:
        """`retry_seconds` None: the task is dead."""
        ...

    async def counts(self) -> Sequence[TaskCount]: ...


class TaskWorker:
    """Works off the kinds of a registry until it is told to stop."""

    def __init__(
        self,
        queue: TaskQueue,
        registry: Registry,
        *,
        clock: Clock = SYSTEM_CLOCK,
        chance: Callable[[], float] = random.random,
        pacing: Callable[[], Pacing] = Pacing,
    ) -> None:
        self._queue = queue
        self._registry = registry
        self._clock = clock
        self._chance = chance
        self._pacing = pacing

    async def run(self, stop: asyncio.Event) -> None:
        """Returns after `stop` is set and what was begun has ended, or was cancelled after a grace."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._measure(stop))
            for kind in self._registry:
                group.create_task(self._work_off(kind, stop))

    async def _work_off(self, kind: TaskKind, stop: asyncio.Event) -> None:
        running: set[asyncio.Task[None]] = set()
        pacing = self._pacing()
        try:
            while not stop.is_set():
                wait_seconds = None
                room = kind.concurrency - len(running)
                if room:
                    claimed = await self._claim(kind, room)
                    wait_seconds = UNREACHABLE_WAIT_SECONDS if claimed is None else pacing.after(len(claimed))
                    running.update(asyncio.create_task(self._attempt(kind, task)) for task in claimed or ())
                await _first_of(stop, running, wait_seconds)
                running = {task for task in running if not task.done()}
            if running:
                await asyncio.wait(running, timeout=STOP_GRACE_SECONDS)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _claim(self, kind: TaskKind, limit: int) -> Sequence[ClaimedTask] | None:
        """None where the queue does not answer."""
        try:
            return await self._queue.claim([kind.name], limit, kind.lease_seconds, kind.settle_seconds)
        except Exception:
            logger.exception("Tasks could not be claimed", extra={"kind": kind.name})
            return None

    async def _attempt(self, kind: TaskKind, task: ClaimedTask) -> None:
        began = self._clock.monotonic()
        try:
            try:
                async with asyncio.timeout(kind.lease_seconds * LEASE_SHARE):
                    await kind.run(task.payload)
            except Exception as error:
                outcome = await self._fail(kind, task, error)
            else:
                await self._queue.complete(task)
                outcome = "done"
        except Exception:
            # The task comes back when its lease is over.
            logger.exception("A task's end could not be recorded", extra={"kind": kind.name, "task": task.id})
            return
        metrics.TASK_RUNS.labels(kind.name, outcome).inc()
        metrics.TASK_SECONDS.labels(kind.name).observe(self._clock.monotonic() - began)

    async def _fail(self, kind: TaskKind, task: ClaimedTask, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            reason = f"it took longer than {LEASE_SHARE * kind.lease_seconds:g} s"
        else:
            reason = f"{type(error).__name__}: {error}"
        retry_seconds = kind.retry.after_failure(task.attempts, self._chance())
        await self._queue.fail(task, reason[:MAX_ERROR_CHARACTERS], retry_seconds)
        logger.log(
            logging.ERROR if retry_seconds is None else logging.WARNING,
            "A task failed",
            extra={
                "kind": kind.name,
                "task": task.id,
                "attempts": task.attempts,
                "retry_seconds": retry_seconds,
                "reason": reason,
            },
        )
        return "dead" if retry_seconds is None else "failed"

    async def _measure(self, stop: asyncio.Event) -> None:
        seen: set[tuple[str, str]] = set()
        while not stop.is_set():
            try:
                counts = {(each.kind, each.state): each for each in await self._queue.counts()}
            except Exception:
                logger.exception("Tasks could not be counted")
            else:
                # What is no longer there is 0, not what it was.
                for kind, state in seen | counts.keys():
                    count = counts.get((kind, state))
                    metrics.TASK_QUEUE_LENGTH.labels(kind, state).set(count.count if count else 0)
                    if state == "pending":
                        metrics.TASK_OLDEST_SECONDS.labels(kind).set(count.oldest_seconds if count else 0)
                seen |= counts.keys()
            await _pause(stop, MEASURE_EVERY_SECONDS)


async def run_tasks(queue: TaskQueue, registry: Registry, periodic: Iterable[PeriodicJob], stop: asyncio.Event) -> None:
    """Everything a process does in the background, until `stop` is set."""
    async with asyncio.TaskGroup() as group:
        group.create_task(TaskWorker(queue, registry).run(stop))
        for job in periodic:
            group.create_task(run_periodically(job, stop))


async def run_periodically(job: PeriodicJob, stop: asyncio.Event) -> None:
    """Runs `job` at once and then every `every_seconds`; a failure is logged and does not end it."""
    while not stop.is_set():
        run: Awaitable[None] = job.run()
        try:
            await run
        except Exception:
            logger.exception("A periodic job failed", extra={"job": job.name})
        await _pause(stop, job.every_seconds)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def _first_of(stop: asyncio.Event, running: set[asyncio.Task[None]], timeout_seconds: float | None) -> None:
    """Waits for `stop`, for one of `running` to end, or for the timeout."""
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({stopping, *running}, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
