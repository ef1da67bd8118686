"""Which stores work and have room, as known a moment ago. A store that does not answer holds nobody up for long.

Each store is looked at by at most one probe. Callers wait for the first answer of a store up to a bound; a
store whose probe is still under way from before is taken for broken at once. Must not know: files.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping

from dataplane.clock import Clock
from dataplane.transport.base import ShardFailure, StoreFailed, StoreSpace

logger = logging.getLogger(__name__)

Look = Callable[[], Awaitable[StoreSpace]]


class StoreProbes:
    """`looks` by store number; each raises a `ShardFailure` where its store does not work."""

    def __init__(self, looks: Mapping[int, Look], *, fresh_seconds: float, wait_seconds: float, clock: Clock) -> None:
        self._looks = looks
        self._fresh_seconds = fresh_seconds
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._known: dict[int, StoreSpace | ShardFailure] = {}
        self._looked_at = -math.inf
        self._running: dict[int, asyncio.Task[None]] = {}
        self._late: set[int] = set()

    def close(self) -> None:
        for task in self._running.values():
            task.cancel()

    def look_again(self) -> None:
        """Something failed: what is known is old."""
        self._looked_at = -math.inf

    async def spaces(self) -> Mapping[int, StoreSpace | ShardFailure]:
        """The space of each store, or why it does not work."""
        if self._clock.monotonic() - self._looked_at >= self._fresh_seconds:
            self._looked_at = self._clock.monotonic()
            self._begin()
        awaited = {number: task for number, task in self._running.items() if number not in self._late}
        if awaited:
            await asyncio.wait(awaited.values(), timeout=self._wait_seconds)
            for number, task in awaited.items():
                if not task.done():
                    self._late.add(number)
                    self._learn(number, StoreFailed(f"store {number} did not answer in {self._wait_seconds} s"))
        return self._known

    def _begin(self) -> None:
        for number, look in self._looks.items():
            if number not in self._running:
                self._running[number] = asyncio.create_task(self._probe(number, look))

    async def _probe(self, number: int, look: Look) -> None:
        try:
            found: StoreSpace | ShardFailure = await look()
        except ShardFailure as failure:
            found = failure
        finally:
            del self._running[number]
            self._late.discard(number)
        self._learn(number, found)

    def _learn(self, number: int, found: StoreSpace | ShardFailure) -> None:
        failed_before = isinstance(self._known.get(number), ShardFailure)
        if isinstance(found, ShardFailure) and not failed_before:
            logger.error("A store does not work", extra={"store": number, "reason": str(found)})
        elif isinstance(found, StoreSpace) and failed_before:
            logger.info("A store works again", extra={"store": number})
        self._known[number] = found
