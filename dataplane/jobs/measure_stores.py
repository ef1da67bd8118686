"""Measures the stores of this node for the metrics: size, room, and whether they work.

Must not know: who looks at the metrics.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from dataplane import metrics
from dataplane.tasks.registry import PeriodicJob
from dataplane.transport.base import ShardFailure, StoreSpace

EVERY_SECONDS = 10.0

Spaces = Callable[[], Awaitable[Mapping[int, StoreSpace | ShardFailure]]]


class MeasureStores:
    """`spaces` is that of the local transport."""

    def __init__(self, spaces: Spaces) -> None:
        self._spaces = spaces

    def periodic_job(self) -> PeriodicJob:
        return PeriodicJob("measure-stores", self.run, EVERY_SECONDS)

    async def run(self) -> None:
        for number, space in (await self._spaces()).items():
            store = str(number)
            works = isinstance(space, StoreSpace)
            metrics.STORE_UP.labels(store).set(int(works))
            # Of a store that is away nothing is known; what it had is no room now.
            metrics.STORE_FREE_BYTES.labels(store).set(space.free_bytes if isinstance(space, StoreSpace) else 0)
            if isinstance(space, StoreSpace):
                metrics.STORE_CAPACITY_BYTES.labels(store).set(space.total_bytes)
