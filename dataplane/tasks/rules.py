"""When a task runs again after it failed, and how often the queue is asked. Pure: chance and time are handed in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits between attempts: `first_seconds`, then `factor` times as long each time, at most `most_seconds`."""

    first_seconds: float = 1.0
    factor: float = 3.0
    most_seconds: float = 3600.0

    def delay_seconds(self, attempts: int, chance: float) -> float:
        """The wait after the `attempts`-th attempt (from 1) failed. `chance` in [0, 1) takes up to a quarter off,
        so that tasks that failed together do not come back together."""
        if attempts < 1 or not 0 <= chance < 1:
            raise ValueError(f"attempts = {attempts}, chance = {chance}: at least 1 and within [0, 1) are meant")
        # The exponent is bounded so that a task that failed for years overflows nothing.
        whole = self.first_seconds * self.factor ** min(attempts - 1, 64)
        return min(whole, self.most_seconds) * (1 - chance / 4)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`max_attempts` None: the task is tried for ever, since giving up would lose what it owes."""

    backoff: Backoff = Backoff()
    max_attempts: int | None = 10

    def after_failure(self, attempts: int, chance: float) -> float | None:
        """Seconds until the next attempt, or None: the task is dead, a person must look."""
        if self.max_attempts is not None and attempts >= self.max_attempts:
            return None
        return self.backoff.delay_seconds(attempts, chance)


@dataclass(slots=True)
class Pacing:
    """How long to wait before asking the queue again: not at all while it gives, longer the longer it is empty."""

    shortest_seconds: float = 0.1
    longest_seconds: float = 1.0
    _wait_seconds: float = 0.0

    def after(self, claimed: int) -> float:
        """The wait after an answer of `claimed` tasks."""
        if claimed:
            self._wait_seconds = 0.0
        else:
            doubled = self._wait_seconds * 2
            self._wait_seconds = min(max(doubled, self.shortest_seconds), self.longest_seconds)
        return self._wait_seconds
