"""Values that cross package borders: frozen, slotted, no behaviour beyond small derivations.

Pure: no I/O, no clock, no Django. ORM rows and request objects never cross a border; these do.
Times are aware `datetime`s in UTC. Sizes are bytes. A version id of "" is the null version.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

NULL_VERSION = ""
"""The stored id of the version that S3 spells `null`."""


class Versioning(enum.IntEnum):
    """A bucket's versioning. The numbers are stored; never renumber."""

    UNVERSIONED = 0
    ENABLED = 1
    SUSPENDED = 2


class ChecksumAlgorithm(enum.StrEnum):
    """The additional checksums of S3; the value is the lower-case suffix of `x-amz-checksum-`."""

    CRC32 = "crc32"
    CRC32C = "crc32c"
    CRC64NVME = "crc64nvme"
    SHA1 = "sha1"
    SHA256 = "sha256"


class ChecksumType(enum.StrEnum):
    FULL_OBJECT = "FULL_OBJECT"
    COMPOSITE = "COMPOSITE"


@dataclass(frozen=True, slots=True)
class Checksum:
    """`value` is base64, as on the wire; composites end in `-N`."""

    algorithm: ChecksumAlgorithm
    value: str
    type: ChecksumType = ChecksumType.FULL_OBJECT


@dataclass(frozen=True, slots=True)
class Grant:
    """One right of an app: an action and a resource, either exact, with a trailing `*`, or `*`.

    Actions: `bucket:create|delete|read|write|list`, `object:read|write|delete|list`,
    `policy:grant|revoke`, families (`object:*`) and `*`. Resources: a bucket name, `bucket/key`, `*`.
    """

    action: str
    resource: str


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: an app of a tenant with its grants as they are now (revocation replaces the value)."""

    tenant_id: int
    tenant_name: str
    app_id: int
    app_name: str
    access_key: str
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class Credential:
    """An enabled access key: its secret in clear (memory only, never logged) and whom it stands for."""

    access_key: str
    secret_key: str = field(repr=False)
    principal: Principal = field(repr=False)


@dataclass(frozen=True, slots=True)
class BucketRecord:
    """A bucket as the global database knows it. Versioning and the like live in `BucketState`."""

    id: int
    name: str
    tenant_id: int
    tenant_name: str
    region: str
    created_at: datetime
    public_read: bool = False
    object_lock: bool = False


@dataclass(frozen=True, slots=True)
class BucketState:
    """What the regional database holds of a bucket; joined by every statement that commits."""

    bucket_id: int
    versioning: Versioning = Versioning.UNVERSIONED
    object_lock: bool = False
    deleted: bool = False
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Encryption:
    """How a body is sealed: AES-256-GCM, one data key an object, wrapped by server key `key_id`.

    `wrapped_key` is nonce (12) + sealed data key (32) + tag (16). Segment i uses nonce i (96-bit big endian).
    """

    key_id: str
    wrapped_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Profile:
    """An erasure profile: k data and m parity fragments of each segment. k=1 mirrors; m=0 has no spare."""

    k: int
    m: int

    @property
    def shards(self) -> int:
        return self.k + self.m

    @property
    def write_quorum(self) -> int:
        """Shards that must be durable before a write is acknowledged."""
        return self.k if self.m == 0 else self.k + max(1, self.m - 1)

    def __str__(self) -> str:
        return f"{self.k}+{self.m}"


@dataclass(frozen=True, slots=True)
class BlobRecord:
    """An immutable run of bytes in shards. `stores[i]` is the store number of shard i."""

    id: UUID
    size: int
    profile: Profile
    segment_bytes: int
    stores: tuple[int, ...]
    encryption: Encryption | None
    content_hash: bytes = b""
    """BLAKE3 of the plain bytes (32), or empty where it was not computed."""


@dataclass(frozen=True, slots=True)
class InlineBody:
    """A body small enough to live in its version row; sealed if `encryption` is set (nonce 0)."""

    data: bytes = field(repr=False)
    encryption: Encryption | None = None


@dataclass(frozen=True, slots=True)
class PartRecord:
    """One part of a finished multipart object or of an upload; numbers ascend, offsets are derived."""

    number: int
    size: int
    etag: str
    blob: BlobRecord
    checksum: Checksum | None = None
    last_modified: datetime | None = None


@dataclass(frozen=True, slots=True)
class ObjectHeaders:
    """The content headers that S3 stores and returns; "" where not set."""

    content_type: str = ""
    content_encoding: str = ""
    content_disposition: str = ""
    content_language: str = ""
    cache_control: str = ""
    expires: str = ""
    website_redirect: str = ""


NO_HEADERS = ObjectHeaders()


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One version row. Exactly one of `inline`, `blob`, `parts` holds the body; a delete marker has none."""

    bucket_id: int
    key: str
    version_id: str
    size: int
    etag: str
    """Without quotes; multipart ends in `-N`."""
    last_modified: datetime
    is_current: bool = True
    delete_marker: bool = False
    headers: ObjectHeaders = NO_HEADERS
    user_metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    checksum: Checksum | None = None
    storage_class: str = "STANDARD"
    owner: str = ""
    """Tenant name of the writer."""
    part_count: int = 0
    """0 for an object that was not uploaded in parts."""
    retain_until: datetime | None = None
    lock_mode: str = ""
    legal_hold: bool = False
    inline: InlineBody | None = None
    blob: BlobRecord | None = None
    parts: tuple[PartRecord, ...] = ()
    row_id: int = 0


@dataclass(frozen=True, slots=True)
class WriteConditions:
    """Conditions of a write, checked in the committing transaction against the current version.

    `if_match`: an ETag without quotes or "*"; where no current version exists a put or a complete raises
    `NoSuchKey`, and a delete has nothing to do. `if_none_match`: the header's "*": nothing may be there.
    `if_none_match_etag`: the current version, if any, must have another ETag.
    """

    if_match: str | None = None
    if_none_match: bool = False
    if_none_match_etag: str | None = None
    if_match_last_modified: datetime | None = None
    if_match_size: int | None = None

    def __bool__(self) -> bool:
        return (
            self.if_match is not None
            or self.if_none_match
            or self.if_none_match_etag is not None
            or self.if_match_last_modified is not None
            or self.if_match_size is not None
        )


NO_CONDITIONS = WriteConditions()


@dataclass(frozen=True, slots=True)
class ReadConditions:
    """If-Match, If-None-Match (lists of ETags without quotes, or ("*",)), and the two dates."""

    if_match: tuple[str, ...] | None = None
    if_none_match: tuple[str, ...] | None = None
    if_modified_since: datetime | None = None
    if_unmodified_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class ObjectAttributes:
    """Everything a writer may set besides the bytes."""

    headers: ObjectHeaders = NO_HEADERS
    user_metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    storage_class: str = "STANDARD"
    owner: str = ""
    retain_until: datetime | None = None
    lock_mode: str = ""
    legal_hold: bool = False


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version ready to be committed: the body is durable (or inline), everything is computed."""

    bucket_id: int
    key: str
    size: int
    etag: str
    attributes: ObjectAttributes
    checksum: Checksum | None = None
    inline: InlineBody | None = None
    blob: BlobRecord | None = None
    parts: tuple[PartRecord, ...] = ()
    shared: bool = False
    """A copy: `blob` or the blobs of `parts` exist already and gain a reference instead of a row."""
    owed_shards: tuple[int, ...] = ()
    """Indexes of shards of `blob` that are not durable yet: a repair task is queued in the same transaction."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit decided: `version_id` is None in a bucket that never had versioning."""

    version_id: str | None
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class Deleted:
    """Outcome of one delete. `version_id` is the marker's id, or the removed version's."""

    version_id: str | None = None
    delete_marker: bool = False
    existed: bool = True


@dataclass(frozen=True, slots=True)
class DeleteItem:
    """One key of a delete. `version_id` None means: the current version (a marker where versioned)."""

    key: str
    version_id: str | None = None
    conditions: WriteConditions = NO_CONDITIONS


@dataclass(frozen=True, slots=True)
class ListedObject:
    """A row of a listing; no body, no metadata."""

    key: str
    size: int
    etag: str
    last_modified: datetime
    storage_class: str = "STANDARD"
    owner: str = ""
    checksum: Checksum | None = None


@dataclass(frozen=True, slots=True)
class ListedVersion:
    key: str
    version_id: str
    is_current: bool
    delete_marker: bool
    size: int
    etag: str
    last_modified: datetime
    storage_class: str = "STANDARD"
    owner: str = ""
    checksum: Checksum | None = None


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """Objects and common prefixes together are at most `limit`, in byte order of UTF-8.

    `next_after` is what to pass as `after` for the next page (a key or a common prefix), None at the end.
    """

    objects: tuple[ListedObject, ...]
    prefixes: tuple[str, ...]
    next_after: str | None


@dataclass(frozen=True, slots=True)
class VersionPage:
    versions: tuple[ListedVersion, ...]
    prefixes: tuple[str, ...]
    next_key: str | None
    next_version_id: str | None
    """The last version listed ("" = null); None where `next_key` is a common prefix or the end was reached."""


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """A multipart upload in progress."""

    upload_id: str
    bucket_id: int
    key: str
    initiated_at: datetime
    attributes: ObjectAttributes
    checksum_algorithm: ChecksumAlgorithm | None = None
    checksum_type: ChecksumType | None = None


@dataclass(frozen=True, slots=True)
class UploadPage:
    uploads: tuple[UploadRecord, ...]
    prefixes: tuple[str, ...]
    next_key: str | None
    next_upload_id: str | None


@dataclass(frozen=True, slots=True)
class PartPage:
    parts: tuple[PartRecord, ...]
    next_number: int | None


@dataclass(frozen=True, slots=True)
class CompletedPart:
    """One line of a CompleteMultipartUpload request; ETag without quotes."""

    number: int
    etag: str
    checksum: Checksum | None = None


@dataclass(frozen=True, slots=True)
class StoreRecord:
    """One data path of a node. `number` is what blob rows record; `path` is known to its node only."""

    number: int
    id: str
    node_id: str
    path: str = ""
    weight: float = 1.0
    read_only: bool = False
