"""A task queue and lease rows in memory, with the fencing of the real ones; time is a clock that a test moves."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any


class ManualClock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)


@dataclass
class MemoryTask:
    id: int
    kind: str
    payload: Mapping[str, Any]
    due: float
    attempts: int = 0
    dead: bool = False
    running: bool = False
    last_error: str = ""


@dataclass(frozen=True)
class Claimed:
    id: int
    kind: str
    payload: Mapping[str, Any]
    attempts: int


@dataclass(frozen=True)
class Count:
    kind: str
    state: str
    count: int
    oldest_seconds: float = 0.0


@dataclass
class MemoryTaskQueue:
    clock: ManualClock = field(default_factory=ManualClock)
    tasks: dict[int, MemoryTask] = field(default_factory=dict)
    failure: Exception | None = None
    """Raised by every call while set."""

    _ids: Any = field(default_factory=lambda: itertools.count(1))

    def add(self, kind: str, **payload: Any) -> MemoryTask:
        task = MemoryTask(next(self._ids), kind, payload, self.clock.seconds)
        self.tasks[task.id] = task
        return task

    async def claim(
        self, kinds: Sequence[str], limit: int, lease_seconds: float, settle_seconds: float = 0.0
    ) -> list[Claimed]:
        self._answer()
        now = self.clock.seconds - settle_seconds
        found = [t for t in self.tasks.values() if t.kind in kinds and not t.dead and t.due <= now][:limit]
        for task in found:
            task.attempts += 1
            task.running = True
            task.due = self.clock.seconds + lease_seconds
        return [Claimed(task.id, task.kind, task.payload, task.attempts) for task in found]

    async def complete(self, task: Claimed) -> bool:
        self._answer()
        if not self._holds(task):
            return False
        del self.tasks[task.id]
        return True

    async def fail(self, task: Claimed, error: str, retry_seconds: float | None) -> bool:
        self._answer()
        if not self._holds(task):
            return False
        row = self.tasks[task.id]
        row.last_error, row.running, row.dead = error, False, retry_seconds is None
        row.due = self.clock.seconds + (retry_seconds or 0.0)
        return True

    async def counts(self) -> list[Count]:
        self._answer()
        states = ["dead" if t.dead else "running" if t.running else "pending" for t in self.tasks.values()]
        pairs = list(zip((t.kind for t in self.tasks.values()), states, strict=True))
        return [Count(kind, state, pairs.count((kind, state))) for kind, state in sorted(set(pairs))]

    def _holds(self, task: Claimed) -> bool:
        row = self.tasks.get(task.id)
        return row is not None and row.attempts == task.attempts

    def _answer(self) -> None:
        if self.failure is not None:
            raise self.failure


class MemoryLeaseRows:
    """`steal` is another holder's doing after the lease ran out."""

    def __init__(self) -> None:
        self.holder = ""
        self.token = 0
        self.renewals = 0
        self.failure: Exception | None = None

    async def acquire(self, name: str, holder: str, ttl_seconds: float) -> int | None:
        if self.holder:
            return None
        self.holder, self.token = holder, self.token + 1
        return self.token

    async def renew(self, name: str, holder: str, token: int, ttl_seconds: float) -> bool:
        if self.failure is not None:
            raise self.failure
        self.renewals += 1
        return (self.holder, self.token) == (holder, token)

    async def release(self, name: str, holder: str, token: int) -> None:
        if (self.holder, self.token) == (holder, token):
            self.holder = ""

    def steal(self, holder: str) -> None:
        self.holder, self.token = holder, self.token + 1
