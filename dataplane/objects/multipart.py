"""Uploads in parts: each part a blob of its own, completed by naming them; no byte moves.

Must not know: HTTP, XML.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence

from dataplane.contracts import (
    BlobRecord,
    BucketRecord,
    Checksum,
    ChecksumAlgorithm,
    ChecksumType,
    CompletedPart,
    NewVersion,
    ObjectAttributes,
    ObjectVersion,
    PartRecord,
    UploadRecord,
    WriteConditions,
)
from dataplane.errors import (
    ChecksumMismatch,
    EntityTooLarge,
    EntityTooSmall,
    InvalidArgument,
    InvalidPart,
    InvalidPartOrder,
    NoSuchUpload,
)
from dataplane.objects.checksums import can_be, default_type, of_parts
from dataplane.objects.commit import Committer
from dataplane.objects.get import extents
from dataplane.objects.ingest import Ingest
from dataplane.objects.metadata_port import Metadata
from dataplane.objects.reread import Reread
from dataplane.objects.results import PutResult
from dataplane.objects.settings import ObjectSettings
from dataplane.ports import Body

_LIST_PAGE = 1000
_NOTHING = ObjectAttributes()


class Uploading:
    """Uploads in parts; one per process."""

    def __init__(
        self, metadata: Metadata, ingest: Ingest, committer: Committer, reread: Reread, settings: ObjectSettings
    ) -> None:
        self._metadata = metadata
        self._ingest = ingest
        self._committer = committer
        self._reread = reread
        self._settings = settings

    async def create(
        self,
        bucket: BucketRecord,
        key: str,
        attributes: ObjectAttributes,
        algorithm: ChecksumAlgorithm | None,
        kind: ChecksumType | None,
    ) -> UploadRecord:
        """Raises `InvalidArgument` for a checksum type that the algorithm cannot have."""
        if algorithm is not None:
            kind = kind or default_type(algorithm)
            if not can_be(algorithm, kind):
                raise InvalidArgument("x-amz-checksum-type", kind.value, f"{algorithm.value} cannot be of this type.")
        elif kind is not None:
            raise InvalidArgument("x-amz-checksum-type", kind.value, "it needs a checksum algorithm beside it.")
        return await self._metadata.create_upload(bucket, key, attributes, algorithm, kind)

    async def put_part(self, bucket: BucketRecord, key: str, upload_id: str, number: int, body: Body) -> PartRecord:
        """Replaces an earlier part of the same number. Raises `NoSuchUpload` and what the body raises."""
        self._check_number(number)
        await self._metadata.upload(bucket, key, upload_id)
        return await self._store_part(bucket, upload_id, number, body)

    async def copy_part(
        self,
        bucket: BucketRecord,
        key: str,
        upload_id: str,
        number: int,
        *,
        source: ObjectVersion,
        start: int,
        stop: int,
    ) -> PartRecord:
        """The bytes [start, stop) of `source` as a part: shared where they are exactly one blob, else re-read."""
        self._check_number(number)
        upload = await self._metadata.upload(bucket, key, upload_id)
        whole = _whole_blob(source, start, stop)
        if whole is None:
            body = self._reread.body(source, start, stop, upload.checksum_algorithm)
            return await self._store_part(bucket, upload_id, number, body)
        blob, etag, checksum = whole
        algorithm = upload.checksum_algorithm
        if algorithm is not None and (checksum is None or checksum.algorithm is not algorithm):
            checksum = await self._reread.checksum(source, start, stop, algorithm)
        part = PartRecord(number, stop - start, etag, blob, checksum)
        return await self._metadata.put_part(bucket, upload_id, part, shared=True)

    async def complete(
        self,
        bucket: BucketRecord,
        key: str,
        upload_id: str,
        named: Sequence[CompletedPart],
        *,
        conditions: WriteConditions,
        checksum: Checksum | None,
        object_size: int | None,
    ) -> PutResult:
        """Makes the named parts the object, at once; those not named are released.

        A repetition of a completion that succeeded answers alike. Raises `InvalidPartOrder`, `InvalidPart`,
        `EntityTooSmall`, `ChecksumMismatch`, `InvalidArgument`, `NoSuchUpload`, `PreconditionFailed`.
        """
        if not named:
            raise InvalidArgument("parts", 0, "a completion must name at least one part.")
        if any(first.number >= second.number for first, second in itertools.pairwise(named)):
            raise InvalidPartOrder
        try:
            upload = await self._metadata.upload(bucket, key, upload_id)
        except NoSuchUpload:
            return await self._repeat(bucket, key, upload_id, named, conditions)
        stored = await self._stored_parts(bucket, upload_id)
        parts = [_matching(stored, part) for part in named]
        self._check_sizes(parts, object_size)
        whole = self._object_checksum(upload, parts, checksum)
        new = NewVersion(
            bucket_id=bucket.id,
            key=key,
            size=sum(part.size for part in parts),
            etag=multipart_etag([part.etag for part in parts]),
            attributes=upload.attributes,
            checksum=whole,
            parts=tuple(parts),
        )
        committed = await self._metadata.complete_upload(bucket, upload_id, new, conditions)
        return PutResult(new.etag, committed.version_id, new.checksum, new.size, committed.last_modified)

    async def _repeat(
        self,
        bucket: BucketRecord,
        key: str,
        upload_id: str,
        named: Sequence[CompletedPart],
        conditions: WriteConditions,
    ) -> PutResult:
        """The upload is gone: the same answer if it was completed into this ETag, else `NoSuchUpload`."""
        try:
            etag = multipart_etag([part.etag for part in named])
        except ValueError:
            raise NoSuchUpload(upload_id) from None
        new = NewVersion(bucket_id=bucket.id, key=key, size=0, etag=etag, attributes=_NOTHING)
        committed = await self._metadata.complete_upload(bucket, upload_id, new, conditions)
        checksum, size = None, 0
        if committed.version_id is None:
            version = await self._metadata.lookup(bucket, key, content=False)
        else:
            version = await self._metadata.lookup_version(bucket, key, committed.version_id, content=False)
        if version is not None and version.etag == etag:
            checksum, size = version.checksum, version.size
        return PutResult(etag, committed.version_id, checksum, size, committed.last_modified)

    async def _store_part(self, bucket: BucketRecord, upload_id: str, number: int, body: Body) -> PartRecord:
        stored = await self._ingest.take(body, inline=False)
        assert stored.blob is not None
        part = PartRecord(number, stored.size, stored.md5_hex, stored.blob, stored.checksum)
        return await self._committer.commit(
            stored, lambda: self._metadata.put_part(bucket, upload_id, part, owed_shards=stored.owed_shards)
        )

    async def _stored_parts(self, bucket: BucketRecord, upload_id: str) -> dict[int, PartRecord]:
        found: dict[int, PartRecord] = {}
        after: int | None = 0
        while after is not None:
            page = await self._metadata.list_parts(bucket, upload_id, after=after, limit=_LIST_PAGE)
            found.update((part.number, part) for part in page.parts)
            after = page.next_number
        return found

    def _check_number(self, number: int) -> None:
        if not 1 <= number <= self._settings.max_parts:
            raise InvalidArgument("partNumber", number, f"it must be between 1 and {self._settings.max_parts}.")

    def _check_sizes(self, parts: Sequence[PartRecord], object_size: int | None) -> None:
        for part in parts[:-1]:
            if part.size < self._settings.min_part_bytes:
                raise EntityTooSmall(part.number, part.size, self._settings.min_part_bytes)
        size = sum(part.size for part in parts)
        if size > self._settings.max_object_bytes:
            raise EntityTooLarge(size, self._settings.max_object_bytes)
        if object_size is not None and object_size != size:
            raise InvalidArgument("x-amz-mp-object-size", object_size, f"the parts named have {size} bytes.")

    def _object_checksum(
        self, upload: UploadRecord, parts: Sequence[PartRecord], announced: Checksum | None
    ) -> Checksum | None:
        computed = None
        if upload.checksum_algorithm is not None:
            kind = upload.checksum_type or default_type(upload.checksum_algorithm)
            computed = of_parts(upload.checksum_algorithm, kind, parts)
        if announced is None:
            return computed
        if computed is None or computed.algorithm is not announced.algorithm:
            raise InvalidArgument(
                f"x-amz-checksum-{announced.algorithm.value}",
                announced.value,
                "the upload was not created with this checksum algorithm, or a part lacks it.",
            )
        # Clients may send a composite one with or without the number of parts.
        if announced.value not in {computed.value, computed.value.partition("-")[0]}:
            raise ChecksumMismatch(announced.algorithm.value, announced.value, computed.value)
        return computed


def multipart_etag(etags: Sequence[str]) -> str:
    """MD5 of the parts' binary MD5s and their number. Raises ValueError for an ETag that is not an MD5."""
    joined = b"".join(bytes.fromhex(etag) for etag in etags)
    return f"{hashlib.md5(joined, usedforsecurity=False).hexdigest()}-{len(etags)}"


def _matching(stored: dict[int, PartRecord], named: CompletedPart) -> PartRecord:
    part = stored.get(named.number)
    if part is None:
        raise InvalidPart(named.number, "it was not uploaded, or was replaced meanwhile.")
    if part.etag != named.etag:
        raise InvalidPart(named.number, f"its ETag is {part.etag}, not {named.etag}.")
    if named.checksum is not None and part.checksum is not None and named.checksum.algorithm is part.checksum.algorithm:
        if named.checksum.value != part.checksum.value:
            raise InvalidPart(named.number, f"its checksum is {part.checksum.value}, not {named.checksum.value}.")
    elif named.checksum is not None:
        raise InvalidPart(named.number, f"no {named.checksum.algorithm.value} checksum was kept of it.")
    return part


def _whole_blob(source: ObjectVersion, start: int, stop: int) -> tuple[BlobRecord, str, Checksum | None] | None:
    """The blob that is exactly [start, stop) of the source, its MD5 and checksum; None where there is none."""
    covering = extents(source, start, stop)
    if len(covering) != 1 or (covering[0].start, covering[0].stop) != (0, covering[0].blob.size):
        return None
    if source.blob is not None:
        full = source.checksum if source.checksum and source.checksum.type is ChecksumType.FULL_OBJECT else None
        return source.blob, source.etag, full
    part = next(part for part in source.parts if part.blob.id == covering[0].blob.id)
    return part.blob, part.etag, part.checksum
