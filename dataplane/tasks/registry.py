"""The kinds of tasks a process works off, and the jobs it does by the clock. Must not know: the queue, single kinds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dataplane.tasks.rules import RetryPolicy

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TaskKind:
    """One kind of task. `run` re-reads all state and is idempotent: it may run twice, also at once."""

    name: str
    run: Callable[[Payload], Awaitable[None]]
    """Returns when the task is done; whatever it raises is its failure."""
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    concurrency: int = 4
    """How many run side by side in one process."""
    lease_seconds: float = 60.0
    """How long an attempt may take; then it is cancelled, and the task is anyone's again."""
    settle_seconds: float = 0.0
    """How long a task lies in the queue before its first attempt."""

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.lease_seconds <= 0:
            raise ValueError(f"task kind {self.name!r}: concurrency and lease must be more than 0")


@dataclass(frozen=True, slots=True)
class PeriodicJob:
    """Work done at the start and every so often; idempotent, told nothing."""

    name: str
    run: Callable[[], Awaitable[None]]
    every_seconds: float

    def __post_init__(self) -> None:
        if self.every_seconds <= 0:
            raise ValueError(f"periodic job {self.name!r}: the period must be more than 0")


class Registry:
    """Task kinds by name."""

    def __init__(self, kinds: Iterable[TaskKind]) -> None:
        self._kinds: dict[str, TaskKind] = {}
        for kind in kinds:
            if kind.name in self._kinds:
                raise ValueError(f"the task kind {kind.name!r} is registered twice")
            self._kinds[kind.name] = kind

    def __iter__(self) -> Iterator[TaskKind]:
        return iter(self._kinds.values())

    def __getitem__(self, name: str) -> TaskKind:
        return self._kinds[name]

    def __len__(self) -> int:
        return len(self._kinds)
