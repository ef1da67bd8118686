"""The shapes of shard transport: what the engine asks of the stores, wherever they are.

A transport bundles: shards of one blob that lie behind the same thing that can be slow or broken (a drive, a
peer) form one group, and one call does the same step for all of them. Every call answers per shard: one that
failed never hides another. Failures are values here, not exceptions, because a failed shard is normal.

`StoreFiles` and its parts are the synchronous side: one store directory, implemented by
`dataplane.shards.files` (which stands above and is handed in), called in worker threads only.
Must not know: what the bytes mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from dataplane.contracts import StoreRecord

Buffer = bytes | bytearray | memoryview

Extent = tuple[int, int]
"""(offset, length) in a shard file, in bytes."""


class ShardFailure(Exception):
    """Why one shard could not be read or written. `str()` says what and where."""


class ShardMissing(ShardFailure):
    """The store is there, the shard is not."""


class ShardUnreadable(ShardFailure):
    """The bytes are wrong or cut short."""


class StoreFailed(ShardFailure):
    """The store does not work: gone, read-only, I/O error, or it did not answer in time."""


class StoreHasNoRoom(ShardFailure):
    """The store is full, or would be."""


@dataclass(frozen=True, slots=True)
class StoreSpace:
    total_bytes: int
    free_bytes: int


class PendingShard(Protocol):
    """A shard being written under a temporary name. Not safe for two threads at once."""

    def append(self, buffers: Sequence[Buffer]) -> None: ...

    def publish(self, header: bytes, buffers: Sequence[Buffer] = ()) -> None:
        """Appends the last buffers, writes the header, and makes all durable under the final name."""
        ...

    def discard(self) -> None:
        """Removes what was written, published or not. Never raises."""
        ...


class OpenShard(Protocol):
    """A shard open for reading; safe from several threads until closed."""

    def read(self, extents: Sequence[Extent]) -> list[bytes]: ...

    def close(self) -> None: ...


class StoreFiles(Protocol):
    """One store directory of this node. Every call may block; every failure is a `ShardFailure`."""

    @property
    def number(self) -> int: ...

    def device(self) -> int:
        """What tells drives apart: stores of one device share their threads."""
        ...

    def space(self) -> StoreSpace: ...

    def create(self, blob_id: UUID, index: int, expected_bytes: int) -> PendingShard: ...

    def open(self, blob_id: UUID, index: int) -> OpenShard: ...

    def delete(self, blob_id: UUID, index: int) -> bool:
        """Removes a shard and makes that durable; False where there was none."""
        ...


Failures = Mapping[int, ShardFailure]
"""By shard index."""


class WriteGroup(Protocol):
    """Shards of one blob being written behind one transport."""

    @property
    def indexes(self) -> Sequence[int]: ...

    async def append(
        self, frames: Mapping[int, Sequence[Buffer]], headers: Mapping[int, bytes] | None = None
    ) -> Failures:
        """Appends one frame to each shard; with `headers` it was the last one and the shards are published.

        A shard that failed once is discarded and takes no more; its further frames are ignored.
        """
        ...

    async def discard(self) -> None:
        """Removes every shard of the group, also published ones. Idempotent; survives cancellation."""
        ...


class ReadGroup(Protocol):
    """Shards of one blob behind one transport, opened at the first read."""

    @property
    def indexes(self) -> Sequence[int]: ...

    async def read(
        self, indexes: Sequence[int], extents: Sequence[Extent]
    ) -> Mapping[int, list[bytes] | ShardFailure]: ...

    def close(self) -> None: ...


class ShardTransport(Protocol):
    """Reaches a set of stores by their numbers."""

    async def writable(self, needed_bytes: int) -> list[StoreRecord]:
        """The stores that live and have room for a shard of `needed_bytes`, as known a moment ago."""
        ...

    def write_groups(self, blob_id: UUID, stores: Mapping[int, int], expected_bytes: int) -> list[WriteGroup]:
        """Begins shards (index -> store number), bundled."""
        ...

    def read_groups(self, blob_id: UUID, stores: Mapping[int, int]) -> list[ReadGroup]:
        """Bundles shards (index -> store number), the cheapest to read first. Unknown stores fail when read."""
        ...

    async def delete(self, blob_id: UUID, stores: Mapping[int, int]) -> Failures:
        """Deletes shards; those not there count as deleted."""
        ...
