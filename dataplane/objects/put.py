"""Objects put and copied. A copy shares the bytes of its source: nothing moves.

Must not know: uploads in parts, HTTP.
"""

from __future__ import annotations

from dataplane.contracts import (
    BucketRecord,
    Checksum,
    ChecksumAlgorithm,
    ChecksumType,
    NewVersion,
    ObjectAttributes,
    ObjectVersion,
    WriteConditions,
)
from dataplane.objects.commit import Committer
from dataplane.objects.ingest import Ingest
from dataplane.objects.metadata_port import Metadata
from dataplane.objects.reread import Reread
from dataplane.objects.results import PutResult
from dataplane.ports import Body


class Putting:
    """Puts and copies; one per process."""

    def __init__(self, metadata: Metadata, ingest: Ingest, committer: Committer, reread: Reread) -> None:
        self._metadata = metadata
        self._ingest = ingest
        self._committer = committer
        self._reread = reread

    async def put(
        self, bucket: BucketRecord, key: str, body: Body, attributes: ObjectAttributes, conditions: WriteConditions
    ) -> PutResult:
        """Raises what the body raises, `PreconditionFailed`, `NoSuchBucket`, `Unavailable`."""
        stored = await self._ingest.take(body, inline=True)
        new = NewVersion(
            bucket_id=bucket.id,
            key=key,
            size=stored.size,
            etag=stored.md5_hex,
            attributes=attributes,
            checksum=stored.checksum,
            inline=stored.inline,
            blob=stored.blob,
            owed_shards=stored.owed_shards,
        )
        committed = await self._committer.commit(stored, lambda: self._metadata.put(bucket, new, conditions))
        return PutResult(new.etag, committed.version_id, new.checksum, new.size, committed.last_modified)

    async def copy(
        self,
        source: ObjectVersion,
        bucket: BucketRecord,
        key: str,
        attributes: ObjectAttributes,
        *,
        conditions: WriteConditions,
        checksum_algorithm: ChecksumAlgorithm | None,
    ) -> PutResult:
        """Shares the bytes of `source` (looked up with its content). They are read only for a new checksum.

        The ETag stays, also one of parts. Raises `OperationAborted` where the source went away meanwhile.
        """
        checksum = source.checksum
        if checksum_algorithm is not None and not _has(checksum, checksum_algorithm):
            checksum = await self._reread.checksum(source, 0, source.size, checksum_algorithm)
        new = NewVersion(
            bucket_id=bucket.id,
            key=key,
            size=source.size,
            etag=source.etag,
            attributes=attributes,
            checksum=checksum,
            inline=source.inline,
            blob=source.blob,
            parts=source.parts,
            shared=source.inline is None,
        )
        committed = await self._metadata.put(bucket, new, conditions)
        return PutResult(new.etag, committed.version_id, new.checksum, new.size, committed.last_modified)


def _has(checksum: Checksum | None, algorithm: ChecksumAlgorithm) -> bool:
    return checksum is not None and checksum.algorithm is algorithm and checksum.type is ChecksumType.FULL_OBJECT
