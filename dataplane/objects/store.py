"""`ObjectStore`, the engine as its callers see it: one method per thing that can be done with objects.

Composes the parts; decides nothing itself. Must not know: HTTP, gRPC, who asks and whether they may.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from dataplane.contracts import (
    NO_CONDITIONS,
    BucketRecord,
    BucketState,
    Checksum,
    ChecksumAlgorithm,
    ChecksumType,
    CompletedPart,
    Deleted,
    DeleteItem,
    ObjectAttributes,
    ObjectPage,
    ObjectVersion,
    PartPage,
    PartRecord,
    UploadPage,
    UploadRecord,
    Versioning,
    VersionPage,
    WriteConditions,
)
from dataplane.crypto.envelope import Envelope
from dataplane.errors import DomainError, NoSuchBucket
from dataplane.objects.commit import Committer
from dataplane.objects.get import Reading
from dataplane.objects.ingest import Ingest
from dataplane.objects.metadata_port import Metadata
from dataplane.objects.multipart import Uploading
from dataplane.objects.put import Putting
from dataplane.objects.reread import Reread
from dataplane.objects.results import PutResult
from dataplane.objects.settings import ObjectSettings
from dataplane.ports import Body
from dataplane.shards.reader import ShardReader
from dataplane.shards.writer import ShardWriter


class ObjectStore:
    """One per process. Close it before the transport and the metadata that it was given."""

    def __init__(
        self,
        metadata: Metadata,
        writer: ShardWriter,
        reader: ShardReader,
        envelope: Envelope,
        settings: ObjectSettings | None = None,
    ) -> None:
        settings = settings or ObjectSettings()
        self._metadata = metadata
        self._writer = writer
        self._digest_pool = ThreadPoolExecutor(settings.digest_threads, thread_name_prefix="digest")
        self._committer = Committer()
        self._reading = Reading(metadata, reader, envelope)
        reread = Reread(self._reading, self._digest_pool)
        ingest = Ingest(writer, envelope, self._digest_pool, settings)
        self._putting = Putting(metadata, ingest, self._committer, reread)
        self._uploading = Uploading(metadata, ingest, self._committer, reread, settings)

    async def close(self) -> None:
        """Waits for commits and shards under way. Callers have stopped calling."""
        await self._committer.close()
        await self._writer.close()
        self._digest_pool.shutdown(wait=True)

    # Reading

    async def head(self, bucket: BucketRecord, key: str, version_id: str | None = None) -> ObjectVersion:
        """The version without its content: neither inline body nor parts.

        `version_id` None is the current one, "" the null version. Raises `NoSuchKey`, `NoSuchVersion`,
        `MarkerNotAllowed`, `NoSuchBucket`.
        """
        return await self._reading.find(bucket, key, version_id, content=False)

    async def open(self, bucket: BucketRecord, key: str, version_id: str | None = None) -> ObjectVersion:
        """As `head`, with what `read`, `inline_bytes` and `copy` need."""
        return await self._reading.find(bucket, key, version_id, content=True)

    def read(self, version: ObjectVersion, start: int, stop: int) -> AsyncGenerator[bytes | memoryview, None]:
        """The plain bytes [start, stop) of an opened version, verified, in pieces of at most one segment.

        Close the iterator (`aclose`) where it is not read to its end. Raises `ObjectDamaged`,
        `EncryptionKeyMissing`.
        """
        return self._reading.read(version, start, stop)

    def inline_bytes(self, version: ObjectVersion) -> bytes:
        """All plain bytes of an opened version whose `inline` is set; at once, on the loop."""
        return self._reading.inline_bytes(version)

    async def list_objects(
        self, bucket: BucketRecord, *, prefix: str = "", delimiter: str = "", after: str = "", limit: int = 1000
    ) -> ObjectPage:
        return await self._metadata.list_objects(bucket, prefix=prefix, delimiter=delimiter, after=after, limit=limit)

    async def list_versions(
        self,
        bucket: BucketRecord,
        *,
        prefix: str = "",
        delimiter: str = "",
        after_key: str = "",
        after_version_id: str | None = None,
        limit: int = 1000,
    ) -> VersionPage:
        return await self._metadata.list_versions(
            bucket,
            prefix=prefix,
            delimiter=delimiter,
            after_key=after_key,
            after_version_id=after_version_id,
            limit=limit,
        )

    # Writing

    async def put(
        self,
        bucket: BucketRecord,
        key: str,
        body: Body,
        attributes: ObjectAttributes,
        conditions: WriteConditions = NO_CONDITIONS,
    ) -> PutResult:
        """Stores a body under a key. Whatever fails, nothing is committed and nothing left behind.

        Raises what the body raises, `PreconditionFailed`, `NoSuchBucket`, `StorageFull`, `QuorumNotReached`.
        """
        return await self._putting.put(bucket, key, body, attributes, conditions)

    async def copy(  # noqa: PLR0917
        self,
        source_bucket: BucketRecord,
        source: ObjectVersion,
        bucket: BucketRecord,
        key: str,
        attributes: ObjectAttributes,
        conditions: WriteConditions = NO_CONDITIONS,
        *,
        checksum_algorithm: ChecksumAlgorithm | None = None,
    ) -> PutResult:
        """The opened version `source` under another (or the same) key; its bytes are shared, not moved."""
        if source.bucket_id != source_bucket.id:
            raise ValueError(f"the version of {source.key!r} is not of the bucket {source_bucket.name!r}")
        return await self._putting.copy(
            source, bucket, key, attributes, conditions=conditions, checksum_algorithm=checksum_algorithm
        )

    async def delete(
        self, bucket: BucketRecord, items: Sequence[DeleteItem], *, bypass_governance: bool = False
    ) -> list[Deleted | DomainError]:
        """One outcome per item, in order. Shards are removed later, by a task."""
        return await self._metadata.delete(bucket, items, bypass_governance=bypass_governance)

    async def put_tags(
        self, bucket: BucketRecord, key: str, version_id: str | None, tags: Mapping[str, str]
    ) -> str | None:
        """Replaces all tags of a version; answers its id."""
        return await self._metadata.put_tags(bucket, key, version_id, tags)

    async def delete_tags(self, bucket: BucketRecord, key: str, version_id: str | None) -> str | None:
        return await self._metadata.put_tags(bucket, key, version_id, {})

    # Uploads in parts

    async def create_upload(
        self,
        bucket: BucketRecord,
        key: str,
        attributes: ObjectAttributes,
        checksum_algorithm: ChecksumAlgorithm | None = None,
        checksum_type: ChecksumType | None = None,
    ) -> UploadRecord:
        return await self._uploading.create(bucket, key, attributes, checksum_algorithm, checksum_type)

    async def upload(self, bucket: BucketRecord, key: str, upload_id: str) -> UploadRecord:
        """Raises `NoSuchUpload`, also for one that was completed or aborted."""
        return await self._metadata.upload(bucket, key, upload_id)

    async def upload_part(self, bucket: BucketRecord, key: str, upload_id: str, number: int, body: Body) -> PartRecord:
        return await self._uploading.put_part(bucket, key, upload_id, number, body)

    async def upload_part_copy(  # noqa: PLR0917
        self,
        bucket: BucketRecord,
        key: str,
        upload_id: str,
        number: int,
        source: ObjectVersion,
        start: int,
        stop: int,
    ) -> PartRecord:
        """[start, stop) of the opened version `source` as a part; shared where it is exactly one blob."""
        return await self._uploading.copy_part(bucket, key, upload_id, number, source=source, start=start, stop=stop)

    async def complete_upload(
        self,
        bucket: BucketRecord,
        key: str,
        upload_id: str,
        parts: Sequence[CompletedPart],
        conditions: WriteConditions = NO_CONDITIONS,
        *,
        checksum: Checksum | None = None,
        object_size: int | None = None,
    ) -> PutResult:
        """The named parts become the object, at once or not at all; a repetition answers alike."""
        return await self._uploading.complete(
            bucket, key, upload_id, parts, conditions=conditions, checksum=checksum, object_size=object_size
        )

    async def abort_upload(self, bucket: BucketRecord, key: str, upload_id: str) -> None:
        await self._metadata.upload(bucket, key, upload_id)
        await self._metadata.abort_upload(bucket, upload_id)

    async def list_uploads(
        self,
        bucket: BucketRecord,
        *,
        prefix: str = "",
        delimiter: str = "",
        after_key: str = "",
        after_upload_id: str | None = None,
        limit: int = 1000,
    ) -> UploadPage:
        return await self._metadata.list_uploads(
            bucket,
            prefix=prefix,
            delimiter=delimiter,
            after_key=after_key,
            after_upload_id=after_upload_id or None,
            limit=limit,
        )

    async def list_parts(self, bucket: BucketRecord, upload_id: str, *, after: int = 0, limit: int = 1000) -> PartPage:
        return await self._metadata.list_parts(bucket, upload_id, after=after, limit=limit)

    # Buckets

    async def bucket_state(self, bucket: BucketRecord) -> BucketState:
        """Raises `NoSuchBucket` where the region does not know it (any more)."""
        state = await self._metadata.bucket_state(bucket.id)
        if state is None or state.deleted:
            raise NoSuchBucket(bucket.name)
        return state

    async def set_versioning(self, bucket: BucketRecord, versioning: Versioning) -> None:
        await self._metadata.set_versioning(bucket.id, versioning)
