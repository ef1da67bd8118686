"""The regional metadata in memory: the rules of `dataplane.objects.metadata_port` without a database.

For tests of the engine. One dictionary of versions per key, newest first; blobs are reference counted, and
what nobody refers to is in `released`, as the DeleteObject tasks of the real one.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from dataplane.contracts import (
    NO_CONDITIONS,
    NULL_VERSION,
    BlobRecord,
    BucketRecord,
    BucketState,
    ChecksumAlgorithm,
    ChecksumType,
    Committed,
    Deleted,
    DeleteItem,
    ListedObject,
    ListedVersion,
    NewVersion,
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
from dataplane.errors import (
    DomainError,
    InvalidPart,
    NoSuchBucket,
    NoSuchKey,
    NoSuchUpload,
    OperationAborted,
    PreconditionFailed,
)

START = datetime(2026, 1, 1, tzinfo=UTC)


class MemoryMetadata:
    """`fail_with` makes every commit raise that, before or after it happened (`fail_after`)."""

    def __init__(self) -> None:
        self.versions: dict[tuple[int, str], list[ObjectVersion]] = {}
        self.states: dict[int, BucketState] = {}
        self.references: dict[UUID, int] = {}
        self.blobs: dict[UUID, BlobRecord] = {}
        self.owed: dict[UUID, tuple[int, ...]] = {}
        self.uploads: dict[str, UploadRecord] = {}
        self.parts: dict[str, dict[int, PartRecord]] = {}
        self.finished: dict[str, tuple[str, Committed]] = {}
        self.fail_with: Exception | None = None
        self.fail_after = False
        self._ticks = itertools.count(1)

    def bucket(self, name: str = "bucket", *, versioning: Versioning = Versioning.UNVERSIONED) -> BucketRecord:
        """Makes a bucket."""
        record = BucketRecord(len(self.states) + 1, name, 1, "tenant", "us-east-1", START)
        self.states[record.id] = BucketState(record.id, versioning)
        return record

    @property
    def released(self) -> list[UUID]:
        return [blob_id for blob_id, count in self.references.items() if count == 0]

    # ReleasedBlobs

    async def released_blob(self, blob_id: UUID) -> BlobRecord | None:
        return self.blobs[blob_id] if self.references.get(blob_id) == 0 else None

    async def forget_blob(self, blob_id: UUID) -> None:
        if self.references.get(blob_id) == 0:
            del self.references[blob_id], self.blobs[blob_id]

    # Versions

    async def lookup(self, bucket: BucketRecord, key: str, *, content: bool = True) -> ObjectVersion | None:
        self._state(bucket)
        found = self.versions.get((bucket.id, key))
        return _seen(found[0], content) if found else None

    async def lookup_version(
        self, bucket: BucketRecord, key: str, version_id: str, *, content: bool = True
    ) -> ObjectVersion | None:
        self._state(bucket)
        for version in self.versions.get((bucket.id, key), []):
            if version.version_id == version_id:
                return _seen(version, content)
        return None

    async def put(
        self, bucket: BucketRecord, new: NewVersion, conditions: WriteConditions = NO_CONDITIONS
    ) -> Committed:
        state = self._state(bucket)
        current = await self.lookup(bucket, new.key)
        _require(current if current and not current.delete_marker else None, conditions)
        if self.fail_with is not None and not self.fail_after:
            raise self.fail_with
        self._take([new.blob] if new.blob else [part.blob for part in new.parts], shared=new.shared)
        if new.blob is not None and new.owed_shards:
            self.owed[new.blob.id] = new.owed_shards
        version_id = self._next_id() if state.versioning is Versioning.ENABLED else NULL_VERSION
        if version_id == NULL_VERSION:
            self._drop(bucket, new.key, NULL_VERSION)
        version = self._version(new, version_id)
        self._push(bucket, version)
        if self.fail_with is not None:
            raise self.fail_with
        shown = None if state.versioning is Versioning.UNVERSIONED else version_id
        return Committed(shown, version.last_modified)

    async def delete(
        self, bucket: BucketRecord, items: Sequence[DeleteItem], *, bypass_governance: bool = False
    ) -> list[Deleted | DomainError]:
        state = self._state(bucket)
        outcomes: list[Deleted | DomainError] = []
        for item in items:
            if item.version_id is not None:
                gone = self._drop(bucket, item.key, item.version_id)
                outcomes.append(Deleted(item.version_id, bool(gone and gone.delete_marker), existed=gone is not None))
            elif state.versioning is Versioning.UNVERSIONED:
                gone = self._drop(bucket, item.key, NULL_VERSION)
                outcomes.append(Deleted(existed=gone is not None))
            else:
                marker_id = self._next_id() if state.versioning is Versioning.ENABLED else NULL_VERSION
                self._drop(bucket, item.key, marker_id)
                marker = ObjectVersion(bucket.id, item.key, marker_id, 0, "", self._now(), delete_marker=True)
                self._push(bucket, marker)
                outcomes.append(Deleted(marker_id, delete_marker=True))
        return outcomes

    async def put_tags(
        self, bucket: BucketRecord, key: str, version_id: str | None, tags: Mapping[str, str]
    ) -> str | None:
        versions = self.versions.get((bucket.id, key), [])
        for position, version in enumerate(versions):
            if version_id in (None, version.version_id):
                versions[position] = replace(version, tags=dict(tags))
                return version.version_id
        raise NoSuchKey(key)

    async def list_objects(
        self, bucket: BucketRecord, *, prefix: str = "", delimiter: str = "", after: str = "", limit: int = 1000
    ) -> ObjectPage:
        keys = sorted(key for (owner, key) in self.versions if owner == bucket.id and key.startswith(prefix))
        found = [self.versions[bucket.id, key][0] for key in keys if key > after]
        listed = [
            ListedObject(version.key, version.size, version.etag, version.last_modified)
            for version in found
            if not version.delete_marker
        ]
        return ObjectPage(tuple(listed[:limit]), (), listed[limit - 1].key if len(listed) > limit else None)

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
        listed = [
            ListedVersion(v.key, v.version_id, v.is_current, v.delete_marker, v.size, v.etag, v.last_modified)
            for (owner, key), versions in sorted(self.versions.items())
            if owner == bucket.id and key.startswith(prefix) and key > after_key
            for v in versions
        ]
        return VersionPage(tuple(listed[:limit]), (), None, None)

    # Uploads

    async def create_upload(
        self,
        bucket: BucketRecord,
        key: str,
        attributes: ObjectAttributes,
        checksum_algorithm: ChecksumAlgorithm | None,
        checksum_type: ChecksumType | None,
    ) -> UploadRecord:
        self._state(bucket)
        record = UploadRecord(
            self._next_id(), bucket.id, key, self._now(), attributes, checksum_algorithm, checksum_type
        )
        self.uploads[record.upload_id] = record
        self.parts[record.upload_id] = {}
        return record

    async def upload(self, bucket: BucketRecord, key: str, upload_id: str) -> UploadRecord:
        record = self.uploads.get(upload_id)
        if record is None or (record.bucket_id, record.key) != (bucket.id, key):
            raise NoSuchUpload(upload_id)
        return record

    async def put_part(
        self,
        bucket: BucketRecord,
        upload_id: str,
        part: PartRecord,
        *,
        shared: bool = False,
        owed_shards: tuple[int, ...] = (),
    ) -> PartRecord:
        if upload_id not in self.uploads:
            raise NoSuchUpload(upload_id)
        if self.fail_with is not None:
            raise self.fail_with
        self._take([part.blob], shared=shared)
        if owed_shards:
            self.owed[part.blob.id] = owed_shards
        old = self.parts[upload_id].get(part.number)
        if old is not None:
            self._release([old.blob])
        self.parts[upload_id][part.number] = replace(part, last_modified=self._now())
        return self.parts[upload_id][part.number]

    async def list_parts(self, bucket: BucketRecord, upload_id: str, *, after: int = 0, limit: int = 1000) -> PartPage:
        if upload_id not in self.uploads:
            raise NoSuchUpload(upload_id)
        parts = [part for number, part in sorted(self.parts[upload_id].items()) if number > after]
        return PartPage(tuple(parts[:limit]), parts[limit - 1].number if len(parts) > limit else None)

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
        found = [u for u in self.uploads.values() if u.bucket_id == bucket.id and u.key.startswith(prefix)]
        return UploadPage(tuple(found[:limit]), (), None, None)

    async def complete_upload(
        self, bucket: BucketRecord, upload_id: str, new: NewVersion, conditions: WriteConditions = NO_CONDITIONS
    ) -> Committed:
        if upload_id in self.finished:
            etag, committed = self.finished[upload_id]
            if etag == new.etag:
                return committed
        await self.upload(bucket, new.key, upload_id)
        stored = self.parts[upload_id]
        for part in new.parts:
            if part.number not in stored or stored[part.number].blob.id != part.blob.id:
                raise InvalidPart(part.number, "it has been replaced.")
        committed = await self.put(bucket, replace(new, shared=True), conditions)
        self._release([part.blob for part in stored.values()])
        del self.uploads[upload_id], self.parts[upload_id]
        self.finished[upload_id] = (new.etag, committed)
        return committed

    async def abort_upload(self, bucket: BucketRecord, upload_id: str) -> None:
        if upload_id not in self.uploads:
            raise NoSuchUpload(upload_id)
        self._release([part.blob for part in self.parts.pop(upload_id).values()])
        del self.uploads[upload_id]

    # Buckets

    async def bucket_state(self, bucket_id: int) -> BucketState | None:
        return self.states.get(bucket_id)

    async def set_versioning(self, bucket_id: int, versioning: Versioning) -> None:
        self.states[bucket_id] = replace(self.states[bucket_id], versioning=versioning)

    # Inside

    def _state(self, bucket: BucketRecord) -> BucketState:
        state = self.states.get(bucket.id)
        if state is None or state.deleted:
            raise NoSuchBucket(bucket.name)
        return state

    def _now(self) -> datetime:
        return START + timedelta(milliseconds=next(self._ticks))

    def _next_id(self) -> str:
        return f"v{next(self._ticks):08}"

    def _version(self, new: NewVersion, version_id: str) -> ObjectVersion:
        attributes = new.attributes
        return ObjectVersion(
            bucket_id=new.bucket_id,
            key=new.key,
            version_id=version_id,
            size=new.size,
            etag=new.etag,
            last_modified=self._now(),
            headers=attributes.headers,
            user_metadata=attributes.user_metadata,
            tags=attributes.tags,
            checksum=new.checksum,
            storage_class=attributes.storage_class,
            owner=attributes.owner,
            part_count=len(new.parts),
            inline=new.inline,
            blob=new.blob,
            parts=new.parts,
        )

    def _push(self, bucket: BucketRecord, version: ObjectVersion) -> None:
        older = self.versions.get((bucket.id, version.key), [])
        self.versions[bucket.id, version.key] = [version, *(replace(v, is_current=False) for v in older)]

    def _drop(self, bucket: BucketRecord, key: str, version_id: str) -> ObjectVersion | None:
        versions = self.versions.get((bucket.id, key), [])
        gone = next((version for version in versions if version.version_id == version_id), None)
        if gone is None:
            return None
        self._release([gone.blob] if gone.blob else [part.blob for part in gone.parts])
        rest = [version for version in versions if version is not gone]
        if rest:
            self.versions[bucket.id, key] = [replace(rest[0], is_current=True), *rest[1:]]
        else:
            del self.versions[bucket.id, key]
        return gone

    def _take(self, blobs: Sequence[BlobRecord], *, shared: bool) -> None:
        for blob in blobs:
            if shared and not self.references.get(blob.id):
                raise OperationAborted("the source of the copy")
            self.blobs[blob.id] = blob
            self.references[blob.id] = self.references.get(blob.id, 0) + 1

    def _release(self, blobs: Sequence[BlobRecord]) -> None:
        for blob in blobs:
            self.references[blob.id] -= 1


def _seen(version: ObjectVersion, content: bool) -> ObjectVersion:
    return version if content else replace(version, inline=None, parts=())


def _require(current: ObjectVersion | None, conditions: WriteConditions) -> None:
    if conditions.if_none_match and current is not None:
        raise PreconditionFailed("If-None-Match")
    if conditions.if_match is not None and (current is None or conditions.if_match not in ("*", current.etag)):
        raise PreconditionFailed("If-Match")
