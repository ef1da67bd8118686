"""Blobs read from shards: any k verified ones make a segment; what fails is replaced by another shard.

Data shards come first, since they need no decoding. Every frame is verified before it is used: wrong bytes
are a missing shard. Only the segments that a range covers are read. Up to two segments are read ahead, while
memory allows. Must not know: objects, parts, metadata.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from dataplane import metrics
from dataplane.contracts import BlobRecord
from dataplane.crypto.envelope import Envelope, SegmentCipher
from dataplane.crypto.keys import BrokenSeal
from dataplane.erasure.codec import codec_for
from dataplane.erasure.stripes import SHARD_HEADER_BYTES, SegmentRange, Stripes
from dataplane.errors import ObjectDamaged
from dataplane.shards.frames import BadFrame, ShardHeader, open_frame, shard_seed, unpack_header
from dataplane.shards.plan import ReadPlan
from dataplane.transport.base import ReadGroup, ShardFailure, ShardMissing, ShardTransport, ShardUnreadable

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """How blobs are read."""

    read_ahead_segments: int = 2
    max_segments_in_flight: int = 128
    """Of all reads of the process together; above it nothing is read ahead."""


class ShardReader:
    """Reads blobs; one per process."""

    def __init__(self, transport: ShardTransport, envelope: Envelope, settings: ReadSettings | None = None) -> None:
        self.transport = transport
        self.envelope = envelope
        self.settings = settings or ReadSettings()
        self._in_flight = 0

    async def read(self, blob: BlobRecord, start: int, stop: int) -> AsyncGenerator[bytes | memoryview, None]:
        """The plain bytes [start, stop) in pieces of at most one segment, verified.

        Close the iterator (`aclose`) where it is not read to its end. Raises `ObjectDamaged`,
        `EncryptionKeyMissing`.
        """
        ranges = Stripes.of(blob).cover(start, stop)
        if not ranges:
            return
        blob_reading = _BlobReading(self, blob)
        try:
            if len(ranges) == 1:
                yield _cut(await blob_reading.segment(ranges[0].index), ranges[0])
                return
            async with aclosing(self._read_ahead(blob_reading, ranges)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            blob_reading.close()

    async def _read_ahead(
        self, blob_reading: _BlobReading, ranges: Sequence[SegmentRange]
    ) -> AsyncGenerator[bytes | memoryview, None]:
        waiting = iter(ranges)
        ahead: deque[tuple[SegmentRange, asyncio.Task[bytes]]] = deque()
        try:
            while True:
                self._start(blob_reading, waiting, ahead)
                if not ahead:
                    return
                wanted, task = ahead.popleft()
                try:
                    segment = await task
                finally:
                    self._ended(task)
                yield _cut(segment, wanted)
        finally:
            for _, task in ahead:
                task.cancel()
                self._ended(task)
            await asyncio.gather(*(task for _, task in ahead), return_exceptions=True)

    def _start(
        self,
        blob_reading: _BlobReading,
        waiting: Iterator[SegmentRange],
        ahead: deque[tuple[SegmentRange, asyncio.Task[bytes]]],
    ) -> None:
        """Begins the next segment, and those ahead of it while memory allows."""
        while len(ahead) <= self.settings.read_ahead_segments:
            if ahead and self._in_flight >= self.settings.max_segments_in_flight:
                return
            wanted = next(waiting, None)
            if wanted is None:
                return
            self._in_flight += 1
            metrics.BLOB_SEGMENTS_READING.inc()
            ahead.append((wanted, asyncio.create_task(blob_reading.segment(wanted.index))))

    def _ended(self, task: asyncio.Task[bytes]) -> None:
        if not task.done():
            task.cancel()
        self._in_flight -= 1
        metrics.BLOB_SEGMENTS_READING.dec()


def _cut(segment: bytes, wanted: SegmentRange) -> bytes | memoryview:
    if wanted.start == 0 and wanted.stop >= len(segment):
        return segment
    return memoryview(segment)[wanted.start : wanted.stop]


class _BlobReading:
    """One read of one blob: its open shards and which of them have failed."""

    def __init__(self, owner: ShardReader, blob: BlobRecord) -> None:
        self._blob = blob
        self._stripes = Stripes.of(blob)
        self._codec = codec_for(blob.profile)
        self._cipher: SegmentCipher | None = None
        if blob.encryption is not None:
            try:
                self._cipher = owner.envelope.cipher(blob.encryption, blob.id.bytes)
            except BrokenSeal as error:
                raise _does_not_open(blob, error) from error
        groups = owner.transport.read_groups(blob.id, dict(enumerate(blob.stores)))
        self._group_of: dict[int, ReadGroup] = {index: group for group in groups for index in group.indexes}
        self._groups = groups
        self._plan = ReadPlan(blob.profile, list(self._group_of))
        self._seeds = {index: shard_seed(blob.id, index) for index in self._group_of}
        self._header_seen: set[int] = set()

    def close(self) -> None:
        for group in self._groups:
            group.close()

    async def segment(self, index: int) -> bytes:
        """Segment `index`, plain. Raises `ObjectDamaged`."""
        good: dict[int, memoryview] = {}
        while len(good) < self._blob.profile.k:
            if self._plan.hopeless:
                metrics.BLOB_READS_DAMAGED.inc()
                raise ObjectDamaged(str(self._blob.id), self._plan.left, self._blob.profile.k)
            wanted = self._plan.wanted(good)
            for shard, found in (await self._frames(index, wanted)).items():
                self._judge(index, shard, found, good)
        return self._open(index, good)

    async def _frames(self, index: int, wanted: Sequence[int]) -> Mapping[int, list[bytes] | ShardFailure]:
        extent = (self._stripes.frame_offset(index), self._stripes.frame_bytes(index))
        if self._header_seen.issuperset(wanted):
            extents = [extent]
        elif index == 0:
            extents = [(0, SHARD_HEADER_BYTES + extent[1])]
        else:
            extents = [(0, SHARD_HEADER_BYTES), extent]
        shards_of: dict[ReadGroup, list[int]] = {}
        for shard in wanted:
            shards_of.setdefault(self._group_of[shard], []).append(shard)
        if len(shards_of) == 1:
            ((group, shards),) = shards_of.items()
            return await group.read(shards, extents)
        answers = await asyncio.gather(*(group.read(shards, extents) for group, shards in shards_of.items()))
        return {shard: found for answer in answers for shard, found in answer.items()}

    def _judge(self, index: int, shard: int, found: list[bytes] | ShardFailure, good: dict[int, memoryview]) -> None:
        """Verifies what came of a shard: into `good`, or the shard has failed."""
        if not isinstance(found, ShardFailure):
            try:
                good[shard] = self._verified(index, shard, found)
            except BadFrame as error:
                found = ShardUnreadable(str(error))
            else:
                metrics.SHARD_FRAMES_GOOD.inc()
                return
        self._plan.fail(shard)
        if isinstance(found, ShardMissing):
            metrics.SHARD_FRAMES_MISSING.inc()
        elif isinstance(found, ShardUnreadable):
            metrics.SHARD_FRAMES_CORRUPT.inc()
        else:
            metrics.SHARD_FRAMES_FAILED.inc()
        logger.warning(
            "A shard could not be read",
            extra={"blob": str(self._blob.id), "shard": shard, "segment": index, "reason": str(found)},
        )

    def _verified(self, index: int, shard: int, found: Sequence[bytes]) -> memoryview:
        frame = memoryview(found[-1])
        if len(found) == 2 or len(frame) > self._stripes.frame_bytes(index):
            header = unpack_header(found[0][:SHARD_HEADER_BYTES])
            if header != ShardHeader(self._blob.id, shard, self._stripes):
                raise BadFrame(f"the file says it is shard {header.index} of blob {header.blob_id}, or of other sizes")
            self._header_seen.add(shard)
            if len(found) == 1:
                frame = frame[SHARD_HEADER_BYTES:]
        return open_frame(self._seeds[shard], index, frame, self._stripes.fragment_bytes(index))

    def _open(self, index: int, good: Mapping[int, memoryview]) -> bytes:
        if self._codec.missing_data(good):
            metrics.BLOB_SEGMENTS_DEGRADED.inc()
        coded = self._codec.decode(good, self._stripes.coded_bytes(index))
        if self._cipher is None:
            return coded
        try:
            return self._cipher.open(index, coded, last=self._stripes.is_last(index))
        except BrokenSeal as error:
            # Every frame was what its writer wrote: the row's key or sizes are not the writer's.
            raise _does_not_open(self._blob, error) from error


def _does_not_open(blob: BlobRecord, error: BrokenSeal) -> ObjectDamaged:
    metrics.BLOB_READS_DAMAGED.inc()
    logger.error("A blob does not open", extra={"blob": str(blob.id), "reason": str(error)})
    return ObjectDamaged(str(blob.id), 0, blob.profile.k)
