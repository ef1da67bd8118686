"""Shard transport to the stores of this node: their files, through one lane of threads per drive.

All shards of a blob that lie on one drive are one group and take one thread hop per step. Stores of the same
device share a lane; a drive that hangs holds up its own lane only. Must not know: what the bytes mean.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from dataplane.clock import SYSTEM_CLOCK, Clock
from dataplane.contracts import StoreRecord
from dataplane.transport.base import (
    Buffer,
    Extent,
    Failures,
    OpenShard,
    PendingShard,
    ReadGroup,
    ShardFailure,
    StoreFailed,
    StoreFiles,
    StoreSpace,
    WriteGroup,
)
from dataplane.transport.lanes import Lane
from dataplane.transport.probes import Look, StoreProbes

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class LocalLimits:
    """Bounds of the local transport. Threads are per drive."""

    read_threads: int = 4
    write_threads: int = 8
    """More than the reading ones: a writer waits for the drive's sync most of its time."""
    max_waiting_jobs: int = 1024
    timeout_seconds: float = 30.0
    """After this a drive counts as failed for the operation."""
    probe_seconds: float = 1.0
    """How long it is believed that a store lives and has room."""
    probe_wait_seconds: float = 2.0
    """How long a store may take to say so; a drive that hangs holds up the writers this once."""


class LocalTransport:
    """The stores of this node. Close it to end its threads."""

    def __init__(
        self,
        stores: Sequence[tuple[StoreRecord, StoreFiles]],
        *,
        limits: LocalLimits | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._limits = limits or LocalLimits()
        self._records = {record.number: record for record, _ in stores}
        self._files = {record.number: files for record, files in stores}
        self._lanes: dict[int, Lane] = {}
        lane_of_device: dict[int, Lane] = {}
        for number, files in self._files.items():
            device = files.device()
            if device not in lane_of_device:
                lane_of_device[device] = self._new_lane(number)
            self._lanes[number] = lane_of_device[device]
        self._probes = StoreProbes(
            {number: self._look(number) for number in self._files},
            fresh_seconds=self._limits.probe_seconds,
            wait_seconds=self._limits.probe_wait_seconds,
            clock=clock,
        )

    def _new_lane(self, number: int) -> Lane:
        return Lane(
            f"store-{number}",
            read_threads=self._limits.read_threads,
            write_threads=self._limits.write_threads,
            max_waiting_jobs=self._limits.max_waiting_jobs,
            timeout_seconds=self._limits.timeout_seconds,
        )

    def close(self) -> None:
        """Ends the threads after what they have begun; blocks until then."""
        self._probes.close()
        for lane in set(self._lanes.values()):
            lane.close()

    def _look(self, number: int) -> Look:
        return lambda: self._lanes[number].read(self._files[number].space)

    async def writable(self, needed_bytes: int) -> list[StoreRecord]:
        spaces = await self.spaces()
        return [
            record
            for number, record in self._records.items()
            if isinstance(space := spaces.get(number), StoreSpace)
            and not record.read_only
            and space.free_bytes >= needed_bytes
        ]

    async def spaces(self) -> Mapping[int, StoreSpace | ShardFailure]:
        """The space of each store, or why it does not work; at most `probe_seconds` old."""
        return await self._probes.spaces()

    def write_groups(self, blob_id: UUID, stores: Mapping[int, int], expected_bytes: int) -> list[WriteGroup]:
        return [
            _LocalWriteGroup(
                lane, blob_id, {i: self._files[stores[i]] for i in indexes}, expected_bytes, self._probes.look_again
            )
            for lane, indexes in self._by_lane(stores)
        ]

    def read_groups(self, blob_id: UUID, stores: Mapping[int, int]) -> list[ReadGroup]:
        known = {index: number for index, number in stores.items() if number in self._files}
        return [
            _LocalReadGroup(lane, blob_id, {i: self._files[known[i]] for i in indexes})
            for lane, indexes in self._by_lane(known)
        ]

    async def delete(self, blob_id: UUID, stores: Mapping[int, int]) -> Failures:
        failures: dict[int, ShardFailure] = {
            index: StoreFailed(f"store {number} is not known to this node")
            for index, number in stores.items()
            if number not in self._files
        }
        known = {index: number for index, number in stores.items() if number in self._files}

        async def one_lane(lane: Lane, indexes: Sequence[int]) -> None:
            def job() -> dict[int, ShardFailure]:
                files = {i: self._files[known[i]] for i in indexes}
                return _each(files, lambda index, store: store.delete(blob_id, index))[1]

            try:
                failures.update(await lane.write(job))
            except StoreFailed as failure:
                failures.update(dict.fromkeys(indexes, failure))

        async with asyncio.TaskGroup() as group:
            for lane, indexes in self._by_lane(known):
                group.create_task(one_lane(lane, indexes))
        return failures

    def _by_lane(self, stores: Mapping[int, int]) -> list[tuple[Lane, list[int]]]:
        lanes: dict[Lane, list[int]] = defaultdict(list)
        for index, number in stores.items():
            lanes[self._lanes[number]].append(index)
        return list(lanes.items())


Item = TypeVar("Item")


def _each(
    items: Mapping[int, Item], call: Callable[[int, Item], Result]
) -> tuple[dict[int, Result], dict[int, ShardFailure]]:
    """Calls for each item; what failed for one does not keep the others from being tried."""
    results: dict[int, Result] = {}
    failures: dict[int, ShardFailure] = {}
    for index, item in items.items():
        try:
            results[index] = call(index, item)
        except ShardFailure as failure:
            failures[index] = failure
    return results, failures


class _LocalWriteGroup:
    """Shards of one blob on one drive. The lock keeps its jobs apart, also from a late discard."""

    def __init__(
        self,
        lane: Lane,
        blob_id: UUID,
        stores: Mapping[int, StoreFiles],
        expected_bytes: int,
        on_failure: Callable[[], None],
    ) -> None:
        self._lane = lane
        self._blob_id = blob_id
        self._stores = stores
        self._expected_bytes = expected_bytes
        self._on_failure = on_failure
        self._lock = threading.Lock()
        self._pending: dict[int, PendingShard] | None = None
        self._discarded = False

    @property
    def indexes(self) -> Sequence[int]:
        return tuple(self._stores)

    async def append(
        self, frames: Mapping[int, Sequence[Buffer]], headers: Mapping[int, bytes] | None = None
    ) -> Failures:
        failures: Failures
        try:
            failures = await self._lane.write(lambda: self._append(frames, headers))
        except StoreFailed as failure:
            # The job may still be running: what it writes after this is removed when it ends.
            await self.discard()
            failures = dict.fromkeys(self.indexes, failure)
        if failures:
            self._on_failure()
        return failures

    async def discard(self) -> None:
        self._discarded = True
        self._lane.later(self._discard)

    def _append(
        self, frames: Mapping[int, Sequence[Buffer]], headers: Mapping[int, bytes] | None
    ) -> dict[int, ShardFailure]:
        with self._lock:
            if self._discarded:
                return {}
            failures: dict[int, ShardFailure] = {}
            if self._pending is None:
                self._pending, failures = _each(
                    self._stores, lambda index, store: store.create(self._blob_id, index, self._expected_bytes)
                )
            write = _append(frames) if headers is None else _publish(headers, frames)
            return failures | self._step(write)

    def _step(self, write: Callable[[int, PendingShard], None]) -> dict[int, ShardFailure]:
        """Does one thing to each shard; those that fail are discarded and leave the group."""
        assert self._pending is not None
        _, failures = _each(self._pending, write)
        for index in failures:
            self._pending.pop(index).discard()
        return failures

    def _discard(self) -> None:
        with self._lock:
            pending, self._pending = self._pending or {}, {}
            for shard in pending.values():
                shard.discard()


def _append(frames: Mapping[int, Sequence[Buffer]]) -> Callable[[int, PendingShard], None]:
    return lambda index, shard: shard.append(frames[index])


def _publish(
    headers: Mapping[int, bytes], frames: Mapping[int, Sequence[Buffer]]
) -> Callable[[int, PendingShard], None]:
    return lambda index, shard: shard.publish(headers[index], frames.get(index, ()))


class _LocalReadGroup:
    """Shards of one blob on one drive, each opened when first read. Reads may run side by side."""

    def __init__(self, lane: Lane, blob_id: UUID, stores: Mapping[int, StoreFiles]) -> None:
        self._lane = lane
        self._blob_id = blob_id
        self._stores = stores
        self._lock = threading.Lock()
        self._open: dict[int, OpenShard] = {}
        self._active = 0
        self._closed = False

    @property
    def indexes(self) -> Sequence[int]:
        return tuple(self._stores)

    async def read(self, indexes: Sequence[int], extents: Sequence[Extent]) -> Mapping[int, list[bytes] | ShardFailure]:
        try:
            return await self._lane.read(lambda: self._read(indexes, extents))
        except StoreFailed as failure:
            return dict.fromkeys(indexes, failure)

    def close(self) -> None:
        """Closes at once, or when the last running read is done."""
        with self._lock:
            self._closed = True
        self._close_if_idle()

    def _read(self, indexes: Sequence[int], extents: Sequence[Extent]) -> dict[int, list[bytes] | ShardFailure]:
        with self._lock:
            if self._closed:
                return {index: StoreFailed("the read was given up") for index in indexes}
            self._active += 1
            shards, failures = _each({i: self._stores[i] for i in indexes}, self._opened)
        try:
            found, unread = _each(shards, lambda _index, shard: shard.read(extents))
            return {**found, **failures, **unread}
        finally:
            with self._lock:
                self._active -= 1
            self._close_if_idle()

    def _opened(self, index: int, store: StoreFiles) -> OpenShard:
        if index not in self._open:
            self._open[index] = store.open(self._blob_id, index)
        return self._open[index]

    def _close_if_idle(self) -> None:
        with self._lock:
            if not self._closed or self._active:
                return
            shards, self._open = self._open, {}
        for shard in shards.values():
            shard.close()
