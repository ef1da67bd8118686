"""Stores in memory, each behind a lane of its own that a test can fail, stall or empty: for quorum rules."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from dataplane.contracts import StoreRecord
from dataplane.transport.base import (
    Buffer,
    Extent,
    Failures,
    ReadGroup,
    ShardFailure,
    ShardMissing,
    ShardUnreadable,
    StoreFailed,
    StoreHasNoRoom,
    WriteGroup,
)


@dataclass
class MemoryStore:
    """One store. `fails_from` counts appends of one shard: 0 fails at once, 1 after the first frame."""

    record: StoreRecord
    shards: dict[tuple[UUID, int], bytes] = field(default_factory=dict)
    live: bool = True
    free_bytes: int = 1 << 40
    fails_from: int | None = None
    failure: ShardFailure = field(default_factory=lambda: StoreFailed("broken"))
    stalled: asyncio.Event | None = None
    """Every step waits for it."""
    reads: int = 0


class MemoryTransport:
    """`stores` by number, from 1; each is its own group."""

    def __init__(self, count: int, *, nodes: int | None = None) -> None:
        self.stores = {
            number: MemoryStore(
                StoreRecord(number, f"store-{number}", f"node-{number % nodes}" if nodes else "node", "")
            )
            for number in range(1, count + 1)
        }

    def kept(self) -> list[tuple[int, UUID, int]]:
        """(store number, blob id, shard index) of every shard."""
        return sorted((number, *name) for number, store in self.stores.items() for name in store.shards)

    async def writable(self, needed_bytes: int) -> list[StoreRecord]:
        return [s.record for s in self.stores.values() if s.live and s.free_bytes >= needed_bytes]

    def write_groups(self, blob_id: UUID, stores: Mapping[int, int], expected_bytes: int) -> list[WriteGroup]:
        return [_MemoryWriteGroup(self.stores[number], blob_id, index) for index, number in stores.items()]

    def read_groups(self, blob_id: UUID, stores: Mapping[int, int]) -> list[ReadGroup]:
        return [
            _MemoryReadGroup(self.stores[number], blob_id, index)
            for index, number in stores.items()
            if number in self.stores
        ]

    async def delete(self, blob_id: UUID, stores: Mapping[int, int]) -> Failures:
        for index, number in stores.items():
            self.stores[number].shards.pop((blob_id, index), None)
        return {}


class _MemoryWriteGroup:
    def __init__(self, store: MemoryStore, blob_id: UUID, index: int) -> None:
        self._store = store
        self._blob_id = blob_id
        self._index = index
        self._data = bytes(64)
        self._appends = 0
        self._discarded = False

    @property
    def indexes(self) -> Sequence[int]:
        return (self._index,)

    async def append(
        self, frames: Mapping[int, Sequence[Buffer]], headers: Mapping[int, bytes] | None = None
    ) -> Failures:
        if self._store.stalled is not None:
            await self._store.stalled.wait()
        if self._discarded:
            return {}
        store = self._store
        if not store.live or (store.fails_from is not None and self._appends >= store.fails_from):
            self._discarded = True
            if isinstance(store.failure, StoreHasNoRoom):
                store.free_bytes = 0
            else:
                store.live = False
            return {self._index: store.failure}
        self._appends += 1
        self._data += b"".join(frames.get(self._index, ()))
        if headers is not None:
            store.shards[self._blob_id, self._index] = headers[self._index] + self._data[64:]
        return {}

    async def discard(self) -> None:
        self._discarded = True
        self._store.shards.pop((self._blob_id, self._index), None)


class _MemoryReadGroup:
    def __init__(self, store: MemoryStore, blob_id: UUID, index: int) -> None:
        self._store = store
        self._blob_id = blob_id
        self._index = index
        self._closed = False

    @property
    def indexes(self) -> Sequence[int]:
        return (self._index,)

    async def read(self, indexes: Sequence[int], extents: Sequence[Extent]) -> Mapping[int, list[bytes] | ShardFailure]:
        assert not self._closed
        self._store.reads += 1
        if self._store.stalled is not None:
            await self._store.stalled.wait()
        if not self._store.live:
            return {self._index: StoreFailed("broken")}
        data = self._store.shards.get((self._blob_id, self._index))
        if data is None:
            return {self._index: ShardMissing("missing")}
        found = [data[offset : offset + length] for offset, length in extents]
        if [len(each) for each in found] != [length for _, length in extents]:
            return {self._index: ShardUnreadable("cut short")}
        return {self._index: found}

    def close(self) -> None:
        self._closed = True
