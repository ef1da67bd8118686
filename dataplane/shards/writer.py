"""Blobs written to shards: segments sealed, coded and sent to their stores; durable at quorum.

One blob is one `BlobWriter`: `write` each segment in order, then `finish`, or `discard`. A segment is on its
way to the stores while the next one arrives; the segments of all writers together are bounded. Where a store
fails on the first segment another takes its place, since nothing is lost yet; later its shard is owed.
Stragglers beyond the quorum get a short grace, then they are owed too.
Must not know: objects, digests, metadata.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from dataplane import metrics
from dataplane.contracts import BlobRecord
from dataplane.crypto.envelope import Envelope
from dataplane.errors import DomainError
from dataplane.shards.placed_blob import PlacedBlob
from dataplane.shards.placing import WriteSettings, choose_stores
from dataplane.transport.base import Failures, ShardTransport

MAX_PLACEMENTS = 3
"""How often the first segment is placed anew when stores fail; the next try goes to those that are left."""


@dataclass(frozen=True, slots=True)
class WrittenBlob:
    """A blob durable at quorum; the shards in `owed` are not there (yet)."""

    blob: BlobRecord
    owed: tuple[int, ...]


class ShardWriter:
    """Makes `BlobWriter`s; one per process. `envelope` None writes plain."""

    def __init__(
        self, transport: ShardTransport, envelope: Envelope | None, settings: WriteSettings | None = None
    ) -> None:
        self.transport = transport
        self.envelope = envelope
        self.settings = settings or WriteSettings()
        self.permits = asyncio.Semaphore(self.settings.max_segments_in_flight)
        self._stragglers: set[asyncio.Task[Failures]] = set()

    def begin(self, size: int | None = None) -> BlobWriter:
        """A writer of one blob; `size` is its length if known. Nothing is touched before the first segment."""
        return BlobWriter(self, size)

    async def close(self) -> None:
        """Waits for shards that were left to become durable by themselves."""
        if self._stragglers:
            await asyncio.wait(self._stragglers)

    def leave(self, task: asyncio.Task[Failures]) -> None:
        """Keeps a straggler alive until it is done."""
        self._stragglers.add(task)
        task.add_done_callback(self._stragglers.discard)


class BlobWriter:
    """Writes one blob; for one task at a time."""

    def __init__(self, owner: ShardWriter, size: int | None) -> None:
        self._owner = owner
        self._announced_size = size
        self._placement: PlacedBlob | None = None
        self._sending: asyncio.Task[None] | None = None
        self._size = 0
        self._segments = 0
        self._ended = False

    async def write(self, segment: bytes, *, last: bool) -> None:
        """Sends one segment; returns when it is on its way and the one before has arrived.

        All but the last have `segment_bytes`. Raises `QuorumNotReached` or `StorageFull`.
        """
        settings = self._owner.settings
        if self._ended or not 0 < len(segment) <= settings.segment_bytes:
            raise ValueError(f"a segment of {len(segment)} bytes cannot follow here")
        if not last and len(segment) != settings.segment_bytes:
            raise ValueError(f"only the last segment may have {len(segment)} bytes")
        await self._arrived()
        await self._owner.permits.acquire()
        index, self._segments = self._segments, self._segments + 1
        self._size += len(segment)
        self._ended = last
        metrics.BLOB_SEGMENTS_WRITING.inc()
        self._sending = asyncio.create_task(self._send(index, segment, last))
        self._sending.add_done_callback(self._release)

    def _release(self, _task: asyncio.Task[None]) -> None:
        metrics.BLOB_SEGMENTS_WRITING.dec()
        self._owner.permits.release()

    async def finish(self, content_hash: bytes = b"") -> WrittenBlob:
        """The blob, durable at quorum. Raises `QuorumNotReached` or `StorageFull`."""
        await self._arrived()
        if not self._ended and self._segments:
            raise ValueError("the last segment has not been written")
        if self._placement is None:
            # An empty blob: shards of nothing but a header, so that losing them is noticed all the same.
            await self._send(0, b"", last=True)
        placement = self._placement
        assert placement is not None
        owed = placement.plan.owed()
        metrics.BLOB_WRITES_DURABLE.inc()
        metrics.SHARD_WRITES_DURABLE.inc(placement.plan.durable)
        metrics.SHARD_OWED.inc(len(owed))
        return WrittenBlob(placement.record(self._size, content_hash), owed)

    async def discard(self) -> None:
        """Removes everything of the blob, also after `finish`. For the failure path; does not raise."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        if self._placement is not None:
            await self._placement.discard()
            metrics.BLOB_WRITES_REFUSED.inc()

    async def _arrived(self) -> None:
        if self._sending is not None:
            task, self._sending = self._sending, None
            try:
                await task
            except asyncio.CancelledError:
                self._sending = task
                raise

    async def _send(self, index: int, segment: bytes, last: bool) -> None:
        final_size = self._size if last else None
        if index > 0:
            assert self._placement is not None
            await self._placement.send(index, segment, final_size=final_size)
            return
        for attempt in range(1, MAX_PLACEMENTS + 1):
            self._placement = await self._place()
            try:
                await self._placement.send(index, segment, final_size=final_size)
            except DomainError:
                if attempt == MAX_PLACEMENTS:
                    raise
                await self._placement.discard()
            else:
                return

    async def _place(self) -> PlacedBlob:
        owner, settings = self._owner, self._owner.settings
        stores, profile = await choose_stores(owner.transport, self._announced_size, settings)
        return PlacedBlob(
            owner.transport,
            owner.envelope,
            settings,
            profile=profile,
            stores=stores,
            size=self._announced_size,
            leave=owner.leave,
        )
