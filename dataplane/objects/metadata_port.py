"""What the engine asks of the regional metadata; `dataplane.metadata.store.MetadataStore` is it.

A protocol, so that the engine's rules are tested without a database. All methods raise `DomainError`s. Only
`MetadataUnavailable` leaves open whether a commit happened; every other one means it did not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from dataplane.contracts import (
    NO_CONDITIONS,
    BlobRecord,
    BucketRecord,
    BucketState,
    ChecksumAlgorithm,
    ChecksumType,
    Committed,
    Deleted,
    DeleteItem,
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
from dataplane.errors import DomainError


class Metadata(Protocol):
    async def lookup(self, bucket: BucketRecord, key: str, *, content: bool = True) -> ObjectVersion | None: ...

    async def lookup_version(
        self, bucket: BucketRecord, key: str, version_id: str, *, content: bool = True
    ) -> ObjectVersion | None: ...

    async def put(
        self, bucket: BucketRecord, new: NewVersion, conditions: WriteConditions = NO_CONDITIONS
    ) -> Committed: ...

    async def delete(
        self, bucket: BucketRecord, items: Sequence[DeleteItem], *, bypass_governance: bool = False
    ) -> list[Deleted | DomainError]: ...

    async def list_objects(
        self, bucket: BucketRecord, *, prefix: str = "", delimiter: str = "", after: str = "", limit: int = 1000
    ) -> ObjectPage: ...

    async def list_versions(
        self,
        bucket: BucketRecord,
        *,
        prefix: str = "",
        delimiter: str = "",
        after_key: str = "",
        after_version_id: str | None = None,
        limit: int = 1000,
    ) -> VersionPage: ...

    async def create_upload(
        self,
        bucket: BucketRecord,
        key: str,
        attributes: ObjectAttributes,
        checksum_algorithm: ChecksumAlgorithm | None,
        checksum_type: ChecksumType | None,
    ) -> UploadRecord: ...

    async def upload(self, bucket: BucketRecord, key: str, upload_id: str) -> UploadRecord: ...

    async def put_part(
        self,
        bucket: BucketRecord,
        upload_id: str,
        part: PartRecord,
        *,
        shared: bool = False,
        owed_shards: tuple[int, ...] = (),
    ) -> PartRecord: ...

    async def list_parts(
        self, bucket: BucketRecord, upload_id: str, *, after: int = 0, limit: int = 1000
    ) -> PartPage: ...

    async def list_uploads(
        self,
        bucket: BucketRecord,
        *,
        prefix: str = "",
        delimiter: str = "",
        after_key: str = "",
        after_upload_id: str | None = None,
        limit: int = 1000,
    ) -> UploadPage: ...

    async def complete_upload(
        self, bucket: BucketRecord, upload_id: str, new: NewVersion, conditions: WriteConditions = NO_CONDITIONS
    ) -> Committed:
        """Repeated after success with the same ETag it answers the same; `new.parts` may be empty then."""
        ...

    async def abort_upload(self, bucket: BucketRecord, upload_id: str) -> None: ...

    async def bucket_state(self, bucket_id: int) -> BucketState | None: ...

    async def set_versioning(self, bucket_id: int, versioning: Versioning) -> None: ...

    async def put_tags(
        self, bucket: BucketRecord, key: str, version_id: str | None, tags: Mapping[str, str]
    ) -> str | None: ...


class ReleasedBlobs(Protocol):
    """What the DeleteObject job asks of the regional metadata."""

    async def released_blob(self, blob_id: UUID) -> BlobRecord | None:
        """The blob if nothing refers to it; None where it is referred to or its row is gone."""
        ...

    async def forget_blob(self, blob_id: UUID) -> None:
        """Deletes the row of a blob that nothing refers to; idempotent."""
        ...
