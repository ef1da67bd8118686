"""Micro-batching: what arrives while a statement is under way goes out together with the next one.

Alone, an item goes at once. A failing batch is repeated item by item, so that one bad request fails nobody else.
Must not know SQL.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from dataplane.errors import Overloaded, Unavailable

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Bounds of one batcher. The defaults were measured: more flights or larger batches gain nothing on two cores."""

    flights: int = 2
    batch_items: int = 64
    batch_bytes: int = 1 << 20
    """Above it PostgreSQL spills the batch to temporary files (work_mem)."""
    queue_items: int = 4096
    queue_bytes: int = 64 << 20


DEFAULT_LIMITS = BatchLimits()


class Batcher(Generic[Item, Outcome]):
    """`run(items)` answers one outcome per item, in order. `identity` names what may occur only once in a batch."""

    def __init__(
        self,
        name: str,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome]]],
        *,
        identity: Callable[[Item], Hashable] | None = None,
        weight_bytes: Callable[[Item], int] | None = None,
        limits: BatchLimits = DEFAULT_LIMITS,
    ) -> None:
        self._name = name
        self._run = run
        self._identity = identity
        self._weight_bytes = weight_bytes
        self._limits = limits
        self._queue: deque[tuple[Item, int, asyncio.Future[Outcome]]] = deque()
        self._queued_bytes = 0
        self._flights: set[asyncio.Task[None]] = set()

    def submit(self, item: Item) -> asyncio.Future[Outcome]:
        """Raises Overloaded where the queue is full. A cancelled future is taken out unless it is under way."""
        limits = self._limits
        weight = self._weight_bytes(item) if self._weight_bytes else 0
        if len(self._queue) >= limits.queue_items or self._queued_bytes + weight > limits.queue_bytes:
            raise Overloaded(f"the queue of {self._name}")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._queue.append((item, weight, future))
        self._queued_bytes += weight
        if len(self._flights) < limits.flights:
            flight = loop.create_task(self._fly(), name=f"metadata {self._name}")
            self._flights.add(flight)
            flight.add_done_callback(self._flights.discard)
        return future

    async def drain(self) -> None:
        """Waits until nothing is queued and nothing is under way."""
        while self._flights:
            await asyncio.wait(self._flights)

    async def _fly(self) -> None:
        while self._queue:
            batch = self._next_batch()
            if batch:
                await self._send(batch)

    def _next_batch(self) -> list[tuple[Item, asyncio.Future[Outcome]]]:
        limits = self._limits
        batch: list[tuple[Item, asyncio.Future[Outcome]]] = []
        size_bytes = 0
        seen: set[Hashable] = set()
        later: list[tuple[Item, int, asyncio.Future[Outcome]]] = []
        queue = self._queue
        while queue and len(batch) < limits.batch_items:
            entry = queue[0]
            item, weight, future = entry
            if batch and size_bytes + weight > limits.batch_bytes:
                break
            queue.popleft()
            if future.done():
                self._queued_bytes -= weight
                continue
            if self._identity is not None:
                identity = self._identity(item)
                if identity in seen:
                    later.append(entry)
                    continue
                seen.add(identity)
            self._queued_bytes -= weight
            size_bytes += weight
            batch.append((item, future))
        queue.extendleft(reversed(later))
        return batch

    async def _send(self, batch: list[tuple[Item, asyncio.Future[Outcome]]]) -> None:
        try:
            outcomes = await self._run([item for item, _ in batch])
        except Exception as error:  # whatever it is belongs to the items, not to the flight
            if len(batch) == 1 or isinstance(error, Unavailable):
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                return
            for entry in batch:
                await self._send([entry])
            return
        except BaseException:
            for _, future in batch:
                future.cancel()
            raise
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if not future.done():
                future.set_result(outcome)
