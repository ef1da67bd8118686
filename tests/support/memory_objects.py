"""The engine's facade in memory, for tests of the gateway: S3's rules of versions, uploads and pages, no durability.

Mirrors `dataplane.objects.store.ObjectStore`. A real node is what the conformance tier tests.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from dataplane.checksums import new_digest
from dataplane.contracts import (
    NO_CONDITIONS,
    NULL_VERSION,
    BlobRecord,
    BucketRecord,
    BucketState,
    Checksum,
    ChecksumAlgorithm,
    ChecksumType,
    CompletedPart,
    Deleted,
    DeleteItem,
    Encryption,
    InlineBody,
    ListedObject,
    ListedVersion,
    ObjectAttributes,
    ObjectPage,
    ObjectVersion,
    PartPage,
    PartRecord,
    Profile,
    UploadPage,
    UploadRecord,
    Versioning,
    VersionPage,
    WriteConditions,
)
from dataplane.errors import (
    ChecksumMismatch,
    DomainError,
    EntityTooSmall,
    InvalidPart,
    MarkerNotAllowed,
    NoSuchKey,
    NoSuchUpload,
    NoSuchVersion,
    PreconditionFailed,
)
from dataplane.ports import Body
from s3gateway.body.checksums import encode_checksum

_SEALED = Encryption("test", b"wrapped")


@dataclass(frozen=True, slots=True)
class MemoryPut:
    etag: str
    version_id: str | None
    checksum: Checksum | None
    size: int
    last_modified: datetime


@dataclass(slots=True)
class _Bucket:
    versioning: Versioning = Versioning.UNVERSIONED
    versions: dict[str, list[ObjectVersion]] = field(default_factory=dict)
    """Newest first."""


@dataclass(slots=True)
class _Upload:
    record: UploadRecord
    parts: dict[int, PartRecord] = field(default_factory=dict)
    result: MemoryPut | None = None


class MemoryObjects:
    """`min_part_bytes` may be small in tests. `now` ticks a second at each write, so that dates tell writes apart."""

    def __init__(self, *, min_part_bytes: int = 5 * 1024 * 1024, inline_limit_bytes: int = 65536) -> None:
        self.min_part_bytes = min_part_bytes
        self.inline_limit_bytes = inline_limit_bytes
        self.piece_bytes = 1 << 20
        self._buckets: dict[int, _Bucket] = {}
        self._uploads: dict[str, _Upload] = {}
        self._blobs: dict[UUID, bytes] = {}
        self._serial = count(1)
        self._now = datetime(2026, 11, 20, 7, 0, 0, tzinfo=UTC)

    # ------------------------------------------------------------ helpers of the fake

    def _bucket(self, bucket: BucketRecord) -> _Bucket:
        initial = Versioning.ENABLED if bucket.object_lock else Versioning.UNVERSIONED
        return self._buckets.setdefault(bucket.id, _Bucket(initial))

    def _tick(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def _blob(self, data: bytes) -> BlobRecord:
        record = BlobRecord(UUID(int=next(self._serial)), len(data), Profile(4, 2), 1 << 20, (), _SEALED)
        self._blobs[record.id] = data
        return record

    def _bytes(self, version: ObjectVersion) -> bytes:
        if version.inline is not None:
            return version.inline.data
        if version.blob is not None:
            return self._blobs[version.blob.id]
        return b"".join(self._blobs[part.blob.id] for part in version.parts)

    @staticmethod
    async def _drain(body: Body) -> tuple[bytes, str, Checksum | None]:
        pieces = []
        async for piece in body.pieces():
            for digest in body.digests:
                digest.update(piece)
            pieces.append(piece)
        digests = body.finish()
        return b"".join(pieces), digests.md5_hex, digests.checksum

    def _current(self, bucket: BucketRecord, key: str) -> ObjectVersion | None:
        versions = self._bucket(bucket).versions.get(key)
        return versions[0] if versions else None

    def _check(self, bucket: BucketRecord, key: str, conditions: WriteConditions) -> None:
        current = self._current(bucket, key)
        if current is not None and current.delete_marker:
            current = None
        if conditions.if_none_match and current is not None:
            raise PreconditionFailed("If-None-Match")
        if current is not None and current.etag == conditions.if_none_match_etag:
            raise PreconditionFailed("If-None-Match")
        if conditions.if_match is not None:
            if current is None:
                raise NoSuchKey(key)
            if conditions.if_match not in ("*", current.etag):
                raise PreconditionFailed("If-Match")

    def _commit(self, bucket: BucketRecord, version: ObjectVersion) -> str | None:
        state = self._bucket(bucket)
        versions = state.versions.setdefault(version.key, [])
        if state.versioning is Versioning.ENABLED:
            version = replace(version, version_id=f"v{next(self._serial):08d}")
        else:
            versions[:] = [other for other in versions if other.version_id != NULL_VERSION]
        versions[:] = [version, *(replace(other, is_current=False) for other in versions)]
        return None if state.versioning is Versioning.UNVERSIONED else version.version_id

    def _version(
        self,
        bucket: BucketRecord,
        key: str,
        *,
        size: int,
        etag: str,
        attributes: ObjectAttributes,
        checksum: Checksum | None,
    ) -> ObjectVersion:
        return ObjectVersion(
            bucket.id,
            key,
            NULL_VERSION,
            size,
            etag,
            self._tick(),
            headers=attributes.headers,
            user_metadata=attributes.user_metadata,
            tags=attributes.tags,
            checksum=checksum,
            storage_class=attributes.storage_class,
            owner=attributes.owner,
            retain_until=attributes.retain_until,
            lock_mode=attributes.lock_mode,
            legal_hold=attributes.legal_hold,
        )

    # ------------------------------------------------------------ objects

    async def put(
        self,
        bucket: BucketRecord,
        key: str,
        body: Body,
        attributes: ObjectAttributes,
        conditions: WriteConditions = NO_CONDITIONS,
    ) -> MemoryPut:
        data, etag, checksum = await self._drain(body)
        self._check(bucket, key, conditions)
        version = self._version(bucket, key, size=len(data), etag=etag, attributes=attributes, checksum=checksum)
        if len(data) <= self.inline_limit_bytes:
            version = replace(version, inline=InlineBody(data, _SEALED))
        else:
            version = replace(version, blob=self._blob(data))
        return MemoryPut(etag, self._commit(bucket, version), checksum, len(data), version.last_modified)

    async def open(self, bucket: BucketRecord, key: str, version_id: str | None = None) -> ObjectVersion:
        versions = self._bucket(bucket).versions.get(key, [])
        if version_id is None:
            if not versions:
                raise NoSuchKey(key)
            if versions[0].delete_marker:
                raise NoSuchKey(key, delete_marker_version_id=versions[0].version_id)
            return versions[0]
        for version in versions:
            if version.version_id == version_id:
                if version.delete_marker:
                    raise MarkerNotAllowed(key, version_id)
                return version
        raise NoSuchVersion(key, version_id)

    async def head(self, bucket: BucketRecord, key: str, version_id: str | None = None) -> ObjectVersion:
        version = await self.open(bucket, key, version_id)
        return replace(version, inline=None, parts=())

    def inline_bytes(self, version: ObjectVersion) -> bytes:
        assert version.inline is not None
        return version.inline.data

    async def read(self, version: ObjectVersion, start: int, stop: int) -> AsyncIterator[bytes]:
        data = self._bytes(version)[start:stop]
        for position in range(0, len(data), self.piece_bytes):
            yield data[position : position + self.piece_bytes]

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
    ) -> MemoryPut:
        self._check(bucket, key, conditions)
        data, checksum = self._bytes(source), source.checksum
        if checksum_algorithm is not None and (checksum is None or checksum.algorithm is not checksum_algorithm):
            digest = new_digest(checksum_algorithm)
            digest.update(data)
            checksum = Checksum(checksum_algorithm, encode_checksum(digest.digest()))
        version = self._version(
            bucket, key, size=source.size, etag=source.etag, attributes=attributes, checksum=checksum
        )
        version = replace(
            version, inline=source.inline, blob=source.blob, parts=source.parts, part_count=source.part_count
        )
        return MemoryPut(source.etag, self._commit(bucket, version), checksum, source.size, version.last_modified)

    async def delete(
        self, bucket: BucketRecord, items: Sequence[DeleteItem], *, bypass_governance: bool = False
    ) -> list[Deleted | DomainError]:
        return [self._delete(bucket, item) for item in items]

    def _delete(self, bucket: BucketRecord, item: DeleteItem) -> Deleted | DomainError:
        state = self._bucket(bucket)
        versions = state.versions.get(item.key, [])
        current = versions[0] if versions else None
        if item.version_id is not None:
            named = next((version for version in versions if version.version_id == item.version_id), None)
            if named is None:
                return Deleted(item.version_id, existed=False)
            if not self._holds(named, item.conditions):
                return PreconditionFailed("If-Match")
            versions.remove(named)
            if versions:
                versions[0] = replace(versions[0], is_current=True)
            else:
                del state.versions[item.key]
            return Deleted(item.version_id, named.delete_marker)
        if current is not None and not self._holds(current, item.conditions):
            return PreconditionFailed("If-Match")
        if state.versioning is Versioning.UNVERSIONED:
            state.versions.pop(item.key, None)
            return Deleted(None, existed=current is not None)
        marker = ObjectVersion(bucket.id, item.key, NULL_VERSION, 0, "", self._tick(), delete_marker=True)
        return Deleted(self._commit(bucket, marker), True, current is not None)

    @staticmethod
    def _holds(version: ObjectVersion, conditions: WriteConditions) -> bool:
        return (
            conditions.if_match in (None, "*", version.etag)
            and conditions.if_match_size in (None, version.size)
            and conditions.if_match_last_modified in (None, version.last_modified.replace(microsecond=0))
        )

    # ------------------------------------------------------------ listings

    async def list_objects(
        self, bucket: BucketRecord, *, prefix: str = "", delimiter: str = "", after: str = "", limit: int = 1000
    ) -> ObjectPage:
        objects: list[ListedObject] = []
        prefixes: list[str] = []
        for key, versions in sorted(self._bucket(bucket).versions.items(), key=lambda item: item[0].encode()):
            version = versions[0]
            if version.delete_marker or not key.startswith(prefix) or key.encode() <= after.encode():
                continue
            common = _common_prefix(key, prefix, delimiter)
            if common and (common in prefixes or after.startswith(common)):
                continue
            if len(objects) + len(prefixes) == limit:
                last = max([item.key for item in objects[-1:]] + prefixes[-1:], key=str.encode)
                return ObjectPage(tuple(objects), tuple(prefixes), last)
            if common:
                prefixes.append(common)
            else:
                objects.append(
                    ListedObject(
                        key, version.size, version.etag, version.last_modified, version.storage_class, version.owner,
                        version.checksum,
                    )
                )  # fmt: skip
        return ObjectPage(tuple(objects), tuple(prefixes), None)

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
        listed: list[ListedVersion] = []
        prefixes: list[str] = []
        for key, versions in sorted(self._bucket(bucket).versions.items(), key=lambda item: item[0].encode()):
            if not key.startswith(prefix) or key < after_key or (key == after_key and after_version_id is None):
                continue
            common = _common_prefix(key, prefix, delimiter)
            if common:
                if common not in prefixes and not after_key.startswith(common):
                    prefixes.append(common)
                continue
            waiting = key == after_key
            for version in versions:
                if waiting:
                    waiting = version.version_id != after_version_id
                    continue
                if len(listed) + len(prefixes) == limit:
                    return VersionPage(tuple(listed), tuple(prefixes), listed[-1].key, listed[-1].version_id)
                listed.append(
                    ListedVersion(
                        key, version.version_id, version.is_current, version.delete_marker, version.size, version.etag,
                        version.last_modified, version.storage_class, version.owner, version.checksum,
                    )
                )  # fmt: skip
        return VersionPage(tuple(listed), tuple(prefixes), None, None)

    # ------------------------------------------------------------ multipart

    async def create_upload(
        self,
        bucket: BucketRecord,
        key: str,
        attributes: ObjectAttributes,
        checksum_algorithm: ChecksumAlgorithm | None,
        checksum_type: ChecksumType | None,
    ) -> UploadRecord:
        upload_id = f"upload{next(self._serial):08d}"
        record = UploadRecord(upload_id, bucket.id, key, self._tick(), attributes, checksum_algorithm, checksum_type)
        self._uploads[upload_id] = _Upload(record)
        return record

    def _upload(self, bucket: BucketRecord, key: str, upload_id: str) -> _Upload:
        upload = self._uploads.get(upload_id)
        if upload is None or (upload.record.bucket_id, upload.record.key) != (bucket.id, key):
            raise NoSuchUpload(upload_id)
        return upload

    async def upload(self, bucket: BucketRecord, key: str, upload_id: str) -> UploadRecord:
        upload = self._upload(bucket, key, upload_id)
        if upload.result is not None:
            raise NoSuchUpload(upload_id)
        return upload.record

    async def upload_part(self, bucket: BucketRecord, key: str, upload_id: str, number: int, body: Body) -> PartRecord:
        await self.upload(bucket, key, upload_id)
        data, etag, checksum = await self._drain(body)
        return self._add_part(bucket, key, upload_id, PartRecord(number, len(data), etag, self._blob(data), checksum))

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
        upload = await self.upload(bucket, key, upload_id)
        data = self._bytes(source)[start:stop]
        checksum = None
        if upload.checksum_algorithm is not None:
            digest = new_digest(upload.checksum_algorithm)
            digest.update(data)
            checksum = Checksum(upload.checksum_algorithm, encode_checksum(digest.digest()))
        etag = hashlib.md5(data).hexdigest()
        return self._add_part(bucket, key, upload_id, PartRecord(number, len(data), etag, self._blob(data), checksum))

    def _add_part(self, bucket: BucketRecord, key: str, upload_id: str, part: PartRecord) -> PartRecord:
        stored = replace(part, last_modified=self._tick())
        self._upload(bucket, key, upload_id).parts[part.number] = stored
        return stored

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
    ) -> MemoryPut:
        upload = self._upload(bucket, key, upload_id)
        if upload.result is not None:
            return upload.result
        chosen = [self._chosen(upload, wanted) for wanted in parts]
        for part in chosen[:-1]:
            if part.size < self.min_part_bytes:
                raise EntityTooSmall(part.number, part.size, self.min_part_bytes)
        self._check(bucket, key, conditions)
        digests = b"".join(bytes.fromhex(part.etag) for part in chosen)
        etag = f"{hashlib.md5(digests).hexdigest()}-{len(chosen)}"
        whole = self._whole_checksum(upload.record, chosen)
        if checksum is not None and whole is not None and checksum.value != whole.value:
            raise ChecksumMismatch(whole.algorithm.value, checksum.value, whole.value)
        version = self._version(
            bucket, key, size=sum(part.size for part in chosen), etag=etag, attributes=upload.record.attributes,
            checksum=whole,
        )  # fmt: skip
        version = replace(version, parts=tuple(chosen), part_count=len(chosen))
        version_id = self._commit(bucket, version)
        upload.result = MemoryPut(etag, version_id, whole, version.size, version.last_modified)
        return upload.result

    @staticmethod
    def _chosen(upload: _Upload, wanted: CompletedPart) -> PartRecord:
        part = upload.parts.get(wanted.number)
        if part is None or part.etag != wanted.etag:
            raise InvalidPart(wanted.number, "no such part")
        if wanted.checksum is not None and (part.checksum is None or part.checksum.value != wanted.checksum.value):
            raise InvalidPart(wanted.number, "its checksum differs")
        return part

    def _whole_checksum(self, record: UploadRecord, parts: Sequence[PartRecord]) -> Checksum | None:
        algorithm, kind = record.checksum_algorithm, record.checksum_type
        if algorithm is None or kind is None:
            return None
        digest = new_digest(algorithm)
        if kind is ChecksumType.FULL_OBJECT:
            for part in parts:
                digest.update(self._blobs[part.blob.id])
            return Checksum(algorithm, encode_checksum(digest.digest()), kind)
        for part in parts:
            assert part.checksum is not None
            digest.update(base64.b64decode(part.checksum.value))
        return Checksum(algorithm, f"{encode_checksum(digest.digest())}-{len(parts)}", kind)

    async def abort_upload(self, bucket: BucketRecord, key: str, upload_id: str) -> None:
        await self.upload(bucket, key, upload_id)
        del self._uploads[upload_id]

    async def list_parts(self, bucket: BucketRecord, upload_id: str, *, after: int = 0, limit: int = 1000) -> PartPage:
        parts = sorted(
            (part for part in self._uploads[upload_id].parts.values() if part.number > after),
            key=lambda part: part.number,
        )
        return PartPage(tuple(parts[:limit]), parts[limit - 1].number if len(parts) > limit else None)

    async def list_uploads(
        self,
        bucket: BucketRecord,
        *,
        prefix: str = "",
        delimiter: str = "",
        after_key: str = "",
        after_upload_id: str = "",
        limit: int = 1000,
    ) -> UploadPage:
        found: list[UploadRecord] = []
        prefixes: list[str] = []
        records = [upload.record for upload in self._uploads.values() if upload.result is None]
        for record in sorted(records, key=lambda record: (record.key.encode(), record.upload_id)):
            if record.bucket_id != bucket.id or not record.key.startswith(prefix):
                continue
            if record.key < after_key or (
                record.key == after_key and (not after_upload_id or record.upload_id <= after_upload_id)
            ):
                continue
            common = _common_prefix(record.key, prefix, delimiter)
            if common:
                if common not in prefixes:
                    prefixes.append(common)
                continue
            if len(found) + len(prefixes) == limit:
                return UploadPage(tuple(found), tuple(prefixes), found[-1].key, found[-1].upload_id)
            found.append(record)
        return UploadPage(tuple(found), tuple(prefixes), None, None)

    # ------------------------------------------------------------ versioning, tags

    async def bucket_state(self, bucket: BucketRecord) -> BucketState | None:
        return BucketState(bucket.id, self._bucket(bucket).versioning, bucket.object_lock)

    async def set_versioning(self, bucket: BucketRecord, versioning: Versioning) -> None:
        self._bucket(bucket).versioning = versioning

    async def put_tags(
        self, bucket: BucketRecord, key: str, version_id: str | None, tags: Mapping[str, str]
    ) -> str | None:
        version = await self.open(bucket, key, version_id)
        versions = self._bucket(bucket).versions[key]
        versions[versions.index(version)] = replace(version, tags=dict(tags))
        return None if self._bucket(bucket).versioning is Versioning.UNVERSIONED else version.version_id

    async def delete_tags(self, bucket: BucketRecord, key: str, version_id: str | None) -> str | None:
        return await self.put_tags(bucket, key, version_id, {})


def _common_prefix(key: str, prefix: str, delimiter: str) -> str:
    if not delimiter:
        return ""
    end = key.find(delimiter, len(prefix))
    return key[: end + len(delimiter)] if end >= 0 else ""
