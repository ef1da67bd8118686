"""What the engine needs from above and around it, as protocols. Pure: names and shapes only.

`control/directory.py` implements `Directory` over Django; `tests/support/memory_directory.py` in memory.
`s3gateway/body/reader.py` implements `Body`; `anvil_site/node/` joins them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from dataplane.contracts import BucketRecord, Checksum, Credential, Versioning


class Digest(Protocol):
    """A running hash. `parallel` says: worth a worker thread (MD5, SHA); else it is fed on the loop (CRCs)."""

    parallel: bool

    def update(self, data: bytes, /) -> None: ...


class BodyDigests(Protocol):
    """What is known of a body after its last byte was verified."""

    @property
    def md5_hex(self) -> str: ...

    @property
    def checksum(self) -> Checksum | None: ...


class Body(Protocol):
    """A request body after de-framing: plain bytes, in order, once.

    `pieces()` raises a `DomainError` where framing, length or a chunk signature is wrong: nothing may be
    committed then. The consumer feeds every byte, in order, to every digest of `digests` (in threads where
    `parallel`), then calls `finish()`, which compares with all that the client announced and raises
    `BadDigest`, `ChecksumMismatch` or `IncompleteBody`.
    """

    @property
    def length(self) -> int | None:
        """Plain length in bytes if announced."""
        ...

    @property
    def digests(self) -> Sequence[Digest]: ...

    def pieces(self) -> AsyncIterator[bytes]: ...

    def finish(self) -> BodyDigests: ...


class Directory(Protocol):
    """The global rows the data plane asks for, cached and bounded; stale for a second at most.

    The `cached_*` methods never block and return None where nothing fresh is cached: the hot path tries
    them first and awaits the others only on a miss.
    """

    def cached_credential(self, access_key: str) -> Credential | None: ...

    async def credential(self, access_key: str) -> Credential | None: ...

    def cached_bucket(self, name: str) -> BucketRecord | None: ...

    async def bucket(self, name: str) -> BucketRecord | None: ...

    async def list_buckets(
        self, tenant_id: int, *, prefix: str = "", after: str = "", limit: int = 1000
    ) -> list[BucketRecord]:
        """Buckets of a tenant in byte order of their names, those after `after`."""
        ...

    async def create_bucket(
        self, *, name: str, tenant_id: int, region: str, object_lock: bool, actor: str
    ) -> BucketRecord:
        """Claims the global name and makes the regional state; idempotent after a crash.

        Raises `BucketAlreadyExists`, `BucketAlreadyOwnedByYou`, `TooManyBuckets`.
        """
        ...

    async def delete_bucket(self, bucket: BucketRecord, *, actor: str) -> None:
        """Raises `BucketNotEmpty`, `NoSuchBucket`."""
        ...

    async def set_public_read(self, bucket: BucketRecord, *, allowed: bool, actor: str) -> BucketRecord: ...


class RegionalBuckets(Protocol):
    """The regional half of a bucket's life, as the directory needs it; implemented by `dataplane.metadata`."""

    def ensure(self, bucket_id: int, *, versioning: Versioning, object_lock: bool) -> None:
        """Makes the state row if it is not there. Synchronous, own transaction, idempotent."""
        ...

    def retire(self, bucket_id: int) -> bool:
        """Marks the bucket deleted if it is empty (and no writer can slip in); False where it is not empty."""
        ...
