"""Decisions of a quorum write and of a read from any k shards. Pure: told what happened, says what to do."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence

from dataplane.contracts import Profile


class Verdict(enum.Enum):
    WAIT = "wait"
    """Not decided yet."""
    COMMIT = "commit"
    """The quorum is durable."""
    ABORT = "abort"
    """The quorum can no longer be reached."""


class WritePlan:
    """Follows the shards of one blob being written, by index."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._durable: set[int] = set()
        self._failed: set[int] = set()

    @property
    def durable(self) -> int:
        return len(self._durable)

    @property
    def failed(self) -> frozenset[int]:
        return frozenset(self._failed)

    def ack(self, index: int) -> None:
        """Shard `index` is durable under its final name."""
        self._known(index)
        if index in self._failed:
            raise ValueError(f"shard {index} failed before; it cannot be durable now")
        self._durable.add(index)

    def fail(self, index: int) -> None:
        """Shard `index` will not become durable in this write."""
        self._known(index)
        self._durable.discard(index)
        self._failed.add(index)

    @property
    def verdict(self) -> Verdict:
        quorum = self.profile.write_quorum
        if len(self._durable) >= quorum:
            return Verdict.COMMIT
        if self.profile.shards - len(self._failed) < quorum:
            return Verdict.ABORT
        return Verdict.WAIT

    def owed(self) -> tuple[int, ...]:
        """Indexes that are not durable (yet)."""
        return tuple(i for i in range(self.profile.shards) if i not in self._durable)

    def _known(self, index: int) -> None:
        if not 0 <= index < self.profile.shards:
            raise ValueError(f"{self.profile} has no shard {index}")


class ReadPlan:
    """Which shards a read uses: k of them, data shards first, others only where those fail.

    `order` lists the shards that exist by cost, the cheapest first; data shards come before parity, because
    they need no decoding.
    """

    def __init__(self, profile: Profile, order: Sequence[int]) -> None:
        self.profile = profile
        data = [i for i in order if i < profile.k]
        parity = [i for i in order if i >= profile.k]
        self._order = data + parity
        self._failed: set[int] = set()

    @property
    def failed(self) -> frozenset[int]:
        return frozenset(self._failed)

    @property
    def left(self) -> int:
        """Shards that have not failed."""
        return sum(i not in self._failed for i in self._order)

    @property
    def hopeless(self) -> bool:
        return self.left < self.profile.k

    def fail(self, index: int) -> None:
        """Shard `index` is missing or bad; it is not asked for again in this read."""
        self._failed.add(index)

    def wanted(self, have: Iterable[int] = ()) -> list[int]:
        """The shards to read now so that, with the good ones in `have`, there are k."""
        good = set(have)
        candidates = [i for i in self._order if i not in self._failed and i not in good]
        return candidates[: max(0, self.profile.k - len(good))]
