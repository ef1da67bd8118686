"""A body received and made durable: inline if it is small, else a blob; verified before it counts.

Cuts the stream into segments and overlaps receiving, digests and writing: while a segment is hashed in
threads and written to the stores, the next one arrives. The last shards are synced while the digests finish;
where a digest turns out wrong they are removed again. Nothing is committed here.
Must not know: buckets, keys, metadata.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from blake3 import blake3

from dataplane.contracts import BlobRecord, Checksum, InlineBody
from dataplane.crypto.envelope import Envelope
from dataplane.objects.digests import DigestFeed
from dataplane.objects.settings import ObjectSettings
from dataplane.ports import Body, Digest
from dataplane.shards.writer import BlobWriter, ShardWriter

Piece = bytes | memoryview


@dataclass(frozen=True, slots=True)
class StoredBody:
    """A verified body: `inline`, or `blob` durable at quorum, which `discard` removes again."""

    size: int
    md5_hex: str
    checksum: Checksum | None
    inline: InlineBody | None = None
    blob: BlobRecord | None = None
    owed_shards: tuple[int, ...] = ()
    writer: BlobWriter | None = None

    async def discard(self) -> None:
        """Removes the shards of a body that was refused. Does not raise."""
        if self.writer is not None:
            await self.writer.discard()


class _ContentHash:
    """BLAKE3 as a digest of `dataplane.ports`."""

    parallel = True

    def __init__(self) -> None:
        self._hash = blake3()

    def update(self, data: bytes, /) -> None:
        self._hash.update(data)

    def digest(self) -> bytes:
        return self._hash.digest()


class Ingest:
    """Takes bodies in; one per process."""

    def __init__(
        self, shards: ShardWriter, envelope: Envelope, digest_pool: Executor, settings: ObjectSettings
    ) -> None:
        self._shards = shards
        self._envelope = envelope
        self._digest_pool = digest_pool
        self._settings = settings
        self._segment_bytes = shards.settings.segment_bytes

    async def take(self, body: Body, *, inline: bool) -> StoredBody:
        """Receives all of `body`. `inline` False makes a blob of any size (parts of an upload are blobs).

        Raises what the body raises, `StorageFull`, `QuorumNotReached`; nothing is left behind then.
        """
        limit = min(self._settings.inline_bytes, self._segment_bytes) if inline else -1
        pieces: list[Piece] = []
        held = 0
        source = body.pieces()
        async for piece in source:
            pieces.append(piece)
            held += len(piece)
            if held > limit:
                break
        if held <= limit:
            return self._take_inline(body, b"".join(pieces))
        intake = _BlobIntake(body, self._shards, self._digest_pool, self._settings)
        try:
            await intake.add(pieces)
            async for piece in source:
                await intake.add((piece,))
            return await intake.finish()
        except BaseException:
            await intake.discard()
            raise

    def _take_inline(self, body: Body, data: bytes) -> StoredBody:
        for digest in body.digests:
            digest.update(data)
        known = body.finish()
        sealed = self._envelope.seal_inline(data) if self._settings.encrypt_at_rest else InlineBody(data)
        return StoredBody(len(data), known.md5_hex, known.checksum, inline=sealed)


class _BlobIntake:
    """One body on its way to shards; for one task."""

    def __init__(self, body: Body, shards: ShardWriter, digest_pool: Executor, settings: ObjectSettings) -> None:
        self._body = body
        self._content_hash = _ContentHash() if settings.content_hash else None
        digests: list[Digest] = [*body.digests]
        if self._content_hash is not None:
            digests.append(self._content_hash)
        self._feed = DigestFeed(digests, digest_pool)
        self._writer = shards.begin(body.length)
        self._segment_bytes = shards.settings.segment_bytes
        self._pieces: list[Piece] = []
        self._held = 0
        self._size = 0

    async def add(self, pieces: Sequence[Piece]) -> None:
        """A segment leaves when more than one is there: only then it is known not to be the last."""
        for piece in pieces:
            self._pieces.append(piece)
            self._held += len(piece)
            self._size += len(piece)
        while self._held > self._segment_bytes:
            await self._write(self._cut(), last=False)

    async def finish(self) -> StoredBody:
        if self._held:
            await self._write(b"".join(self._pieces), last=True)
            self._pieces, self._held = [], 0
        await self._feed.drain()
        known = self._body.finish()
        written = await self._writer.finish(self._content_hash.digest() if self._content_hash else b"")
        return StoredBody(
            self._size,
            known.md5_hex,
            known.checksum,
            blob=written.blob,
            owed_shards=written.owed,
            writer=self._writer,
        )

    async def discard(self) -> None:
        await self._writer.discard()

    async def _write(self, segment: bytes, *, last: bool) -> None:
        await self._feed.feed(segment)
        await self._writer.write(segment, last=last)

    def _cut(self) -> bytes:
        """Takes the first segment off what is held; the piece that crosses its end is not copied twice."""
        taken: list[Piece] = []
        missing = self._segment_bytes
        for position, piece in enumerate(self._pieces):
            if len(piece) > missing:
                view = memoryview(piece)
                taken.append(view[:missing])
                self._pieces[: position + 1] = [view[missing:]]
                break
            taken.append(piece)
            missing -= len(piece)
        self._held -= self._segment_bytes
        return b"".join(taken)
