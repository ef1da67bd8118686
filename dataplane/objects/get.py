"""Versions found and read: which version a request means, and its plain bytes wherever they lie.

Must not know: conditions and ranges of requests, HTTP.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from dataplane import metrics
from dataplane.contracts import BlobRecord, BucketRecord, ObjectVersion
from dataplane.crypto.envelope import Envelope
from dataplane.crypto.keys import BrokenSeal
from dataplane.errors import MarkerNotAllowed, NoSuchKey, NoSuchVersion, ObjectDamaged
from dataplane.objects.metadata_port import Metadata
from dataplane.shards.reader import ShardReader

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Extent:
    """The bytes [start, stop) of a blob."""

    blob: BlobRecord
    start: int
    stop: int


class Reading:
    """Finds and reads versions; one per process."""

    def __init__(self, metadata: Metadata, shards: ShardReader, envelope: Envelope) -> None:
        self._metadata = metadata
        self._shards = shards
        self._envelope = envelope

    async def find(self, bucket: BucketRecord, key: str, version_id: str | None, *, content: bool) -> ObjectVersion:
        """The current version (None), or the named one ("" is the null version); never a delete marker.

        Raises `NoSuchBucket`, `NoSuchKey` (which names a marker that hides the key), `NoSuchVersion`,
        `MarkerNotAllowed`.
        """
        if version_id is None:
            version = await self._metadata.lookup(bucket, key, content=content)
            if version is None:
                raise NoSuchKey(key)
            if version.delete_marker:
                raise NoSuchKey(key, delete_marker_version_id=version.version_id)
            return version
        version = await self._metadata.lookup_version(bucket, key, version_id, content=content)
        if version is None:
            raise NoSuchVersion(key, version_id or "null")
        if version.delete_marker:
            raise MarkerNotAllowed(key, version_id or "null")
        return version

    def inline_bytes(self, version: ObjectVersion) -> bytes:
        """The plain bytes of a version that is kept inline. Raises `ObjectDamaged`, `EncryptionKeyMissing`."""
        if version.inline is None:
            raise ValueError(f"the version of {version.key!r} is not kept inline")
        try:
            return self._envelope.open_inline(version.inline)
        except BrokenSeal as error:
            metrics.BLOB_READS_DAMAGED.inc()
            extra = {"bucket": version.bucket_id, "key": version.key, "reason": str(error)}
            logger.error("An inline body does not open", extra=extra)
            raise ObjectDamaged(f"in the row of {version.key!r}", 0, 1) from error

    async def read(self, version: ObjectVersion, start: int, stop: int) -> AsyncGenerator[bytes | memoryview, None]:
        """The plain bytes [start, stop), verified, in pieces of at most one segment.

        Close the iterator where it is not read to its end. Raises `ObjectDamaged`, `EncryptionKeyMissing`.
        """
        if not 0 <= start <= stop <= version.size:
            raise ValueError(f"the range [{start}, {stop}) does not lie within {version.size} bytes")
        if version.inline is not None:
            if start < stop:
                yield memoryview(self.inline_bytes(version))[start:stop]
            return
        for extent in extents(version, start, stop):
            async with aclosing(self._shards.read(extent.blob, extent.start, extent.stop)) as pieces:
                async for piece in pieces:
                    yield piece


def extents(version: ObjectVersion, start: int, stop: int) -> list[Extent]:
    """Where the bytes [start, stop) of a version lie, in order; none for an inline body."""
    if version.blob is not None:
        return [Extent(version.blob, start, stop)] if start < stop else []
    found = []
    offset = 0
    for part in version.parts:
        first, last = max(start, offset), min(stop, offset + part.size)
        if first < last:
            found.append(Extent(part.blob, first - offset, last - offset))
        offset += part.size
    return found
