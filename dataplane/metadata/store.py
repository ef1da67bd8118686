"""The regional metadata as the engine sees it: one object a process, over one pool of connections.

Here a call is sent its way, hot batch or transaction of its own; the SQL lives in the modules named after the subjects.

After `put`, `complete_upload`, `put_part` or `delete` a `MetadataUnavailable` (or a cancellation) does not say that
nothing was stored: the commit may have happened. Every other error does.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from prometheus_client import Histogram

from dataplane import metrics
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
from dataplane.errors import DomainError, InvalidKey, OperationAborted, Overloaded
from dataplane.metadata import (
    bucket_rows,
    commit,
    hot_put,
    hot_version,
    listing,
    lookup,
    multipart,
    release,
    removal,
    tagging,
    upload_listing,
    version_listing,
)
from dataplane.metadata.batch_items import Refusal, identity, weight_bytes
from dataplane.metadata.batcher import DEFAULT_LIMITS, Batcher, BatchLimits
from dataplane.metadata.lookup import Lookup
from dataplane.metadata.pool import Connection, MetadataPool

Result = TypeVar("Result")

LOOKUPS_OF_A_MOVING_KEY = 5
"""How often a multipart version is looked up again because it was replaced while its parts were read."""

VERSIONED_BUCKETS = 4096
"""Buckets remembered to have versioning; a forgotten one costs one statement in vain."""

OWN_TRANSACTIONS_SHARE = 2
"""Of the pool's connections, one in so many at most serves transactions of single keys: batches must not starve."""

OWN_TRANSACTIONS_WAITING = 2048
DELETES_AT_ONCE = 256
"""Items of one request that are under way together."""


class MetadataStore:
    """`pool_size` connections a process. `prepare=False` where PgBouncer pools by transaction."""

    def __init__(
        self,
        dsn: str,
        *,
        pool_size: int = 8,
        prepare: bool = True,
        wait_seconds: float = 10.0,
        statement_seconds: float = 30.0,
        limits: BatchLimits = DEFAULT_LIMITS,
    ) -> None:
        self._pool = MetadataPool(
            dsn, size=pool_size, prepare=prepare, wait_seconds=wait_seconds, statement_seconds=statement_seconds
        )
        self._puts: Batcher[NewVersion, Committed | Refusal] = Batcher(
            "puts",
            lambda batch: hot_put.put_batch(self._pool, batch),
            identity=identity,
            weight_bytes=weight_bytes,
            limits=limits,
        )
        self._versions: Batcher[NewVersion, Committed | Refusal] = Batcher(
            "versions",
            lambda batch: hot_version.put_batch(self._pool, batch),
            identity=identity,
            weight_bytes=weight_bytes,
            limits=limits,
        )
        self._lookups: Batcher[Lookup, ObjectVersion | None] = Batcher(
            "lookups", lambda batch: lookup.current_batch(self._pool, batch), limits=limits
        )
        self._deletes: Batcher[removal.PlainDelete, bool | Refusal] = Batcher(
            "deletes",
            lambda batch: removal.delete_batch(self._pool, batch),
            identity=removal.identity,
            limits=limits,
        )
        self._own_transactions = asyncio.Semaphore(max(1, pool_size // OWN_TRANSACTIONS_SHARE))
        self._waiting = 0
        self._versioned_buckets: OrderedDict[int, None] = OrderedDict()

    async def open(self) -> None:
        """Raises MetadataUnavailable."""
        await self._pool.open()

    async def close(self) -> None:
        """What was accepted is finished first."""
        await asyncio.gather(self._puts.drain(), self._versions.drain(), self._lookups.drain(), self._deletes.drain())
        await self._pool.close()

    @property
    def pool(self) -> MetadataPool:
        """For the other parts of this package that work on the same connections: tasks, journal."""
        return self._pool

    # Reading

    async def lookup(self, bucket: BucketRecord, key: str, *, content: bool = True) -> ObjectVersion | None:
        """The current version, which may be a delete marker. `content=False` leaves inline body and parts out."""
        if "\0" in key:
            return None
        for _ in range(LOOKUPS_OF_A_MOVING_KEY):
            found = await self._lookups.submit(Lookup(bucket.id, key, content))
            if found is None or not content or lookup.is_whole(found):
                return found
        raise OperationAborted(f"the key {key!r}")

    async def lookup_version(
        self, bucket: BucketRecord, key: str, version_id: str, *, content: bool = True
    ) -> ObjectVersion | None:
        """The version with this id; "" is the null version."""
        if "\0" in key or "\0" in version_id:
            return None
        for _ in range(LOOKUPS_OF_A_MOVING_KEY):
            found = await lookup.version(self._pool, Lookup(bucket.id, key, content), version_id)
            if found is None or not content or lookup.is_whole(found):
                return found
        raise OperationAborted(f"the key {key!r}")

    async def list_objects(
        self, bucket: BucketRecord, *, prefix: str = "", delimiter: str = "", after: str = "", limit: int = 1000
    ) -> ObjectPage:
        return await listing.list_objects(
            self._pool, bucket, prefix=prefix, delimiter=delimiter, after=after, limit=limit
        )

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
        return await version_listing.list_versions(
            self._pool,
            bucket,
            prefix=prefix,
            delimiter=delimiter,
            after_key=after_key,
            after_version_id=after_version_id,
            limit=limit,
        )

    # Writing

    async def put(
        self, bucket: BucketRecord, new: NewVersion, conditions: WriteConditions = NO_CONDITIONS
    ) -> Committed:
        """Makes `new` the current version of its key.

        Raises NoSuchBucket, PreconditionFailed, NoSuchKey (If-Match met nothing), OperationAborted (try again; also
        where a shared blob was deleted meanwhile), InvalidKey, Overloaded, MetadataUnavailable.
        """
        _require_storable(new.key)
        if not conditions and hot_version.is_plain(new):
            outcome = await self._put_in_batch(bucket, new)
            if isinstance(outcome, Committed):
                return outcome
        return await self._transaction(
            lambda connection: commit.commit_version(connection, bucket, new, conditions),
            what=f"the key {new.key!r}",
            timed_as=metrics.DATABASE_PUT,
        )

    async def _put_in_batch(self, bucket: BucketRecord, new: NewVersion) -> Committed | Refusal:
        outcome: Committed | Refusal = Refusal.BUCKET
        if bucket.id not in self._versioned_buckets:
            if hot_put.is_plain(new):
                outcome = await self._puts.submit(new)
            await self._learn(bucket, outcome)
        if bucket.id in self._versioned_buckets:
            outcome = await self._versions.submit(new)
        return outcome

    async def delete(
        self, bucket: BucketRecord, items: Sequence[DeleteItem], *, bypass_governance: bool = False
    ) -> list[Deleted | DomainError]:
        """Deletes each item by itself; the outcomes are in the order of the items. Raises only what concerns all."""
        outcomes: list[Deleted | DomainError] = []
        for start in range(0, len(items), DELETES_AT_ONCE):
            together = items[start : start + DELETES_AT_ONCE]
            outcomes += await asyncio.gather(
                *(self._delete(bucket, item, bypass_governance=bypass_governance) for item in together)
            )
        return outcomes

    async def _delete(
        self, bucket: BucketRecord, item: DeleteItem, *, bypass_governance: bool
    ) -> Deleted | DomainError:
        if "\0" in item.key or "\0" in (item.version_id or ""):
            return Deleted(item.version_id, existed=False)
        try:
            if removal.is_plain(item) and bucket.id not in self._versioned_buckets:
                outcome = await self._deletes.submit(removal.PlainDelete(bucket.id, item.key))
                if not isinstance(outcome, Refusal):
                    return Deleted(item.version_id, existed=outcome)
                await self._learn(bucket, outcome)
            return await self._transaction(
                lambda connection: removal.delete_key(connection, bucket, item, bypass_governance=bypass_governance),
                what=f"the key {item.key!r}",
                timed_as=metrics.DATABASE_DELETE,
            )
        except DomainError as error:
            return error

    async def put_tags(
        self, bucket: BucketRecord, key: str, version_id: str | None, tags: Mapping[str, str]
    ) -> str | None:
        """Replaces all tags (none: removes them); the id of the version, None in a bucket without versioning.

        Raises NoSuchKey, NoSuchVersion, MarkerNotAllowed, NoSuchBucket.
        """
        _require_storable(key)
        return await self._transaction(
            lambda connection: tagging.put_tags(connection, bucket, key, version_id, tags),
            what=f"the key {key!r}",
        )

    # Uploads

    async def create_upload(
        self,
        bucket: BucketRecord,
        key: str,
        attributes: ObjectAttributes,
        checksum_algorithm: ChecksumAlgorithm | None = None,
        checksum_type: ChecksumType | None = None,
    ) -> UploadRecord:
        """Raises NoSuchBucket."""
        _require_storable(key)
        return await multipart.create_upload(
            self._pool,
            bucket,
            key,
            attributes,
            checksum_algorithm=checksum_algorithm,
            checksum_type=checksum_type,
        )

    async def upload(self, bucket: BucketRecord, key: str, upload_id: str) -> UploadRecord:
        """An upload in progress. Raises NoSuchUpload."""
        return await multipart.find_upload(self._pool, bucket, key, upload_id)

    async def put_part(
        self,
        bucket: BucketRecord,
        upload_id: str,
        part: PartRecord,
        *,
        shared: bool = False,
        owed_shards: Sequence[int] = (),
    ) -> PartRecord:
        """Keeps a part, in place of an earlier one of its number. Raises NoSuchUpload, OperationAborted."""
        return await self._transaction(
            lambda connection: multipart.put_part(
                connection, bucket, upload_id, part, shared=shared, owed_shards=owed_shards
            ),
            what=f"the upload {upload_id!r}",
        )

    async def list_parts(self, bucket: BucketRecord, upload_id: str, *, after: int = 0, limit: int = 1000) -> PartPage:
        """Raises NoSuchUpload."""
        return await multipart.list_parts(self._pool, bucket, upload_id, after=after, limit=limit)

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
        return await upload_listing.list_uploads(
            self._pool,
            bucket,
            prefix=prefix,
            delimiter=delimiter,
            after_key=after_key,
            after_upload_id=after_upload_id,
            limit=limit,
        )

    async def complete_upload(
        self, bucket: BucketRecord, upload_id: str, new: NewVersion, conditions: WriteConditions = NO_CONDITIONS
    ) -> Committed:
        """Turns the parts that `new` names into its version; the upload's other parts are given back.

        Again with the same ETag it answers the same; `new.parts` may be empty then. Raises NoSuchUpload, InvalidPart,
        and what `put` raises.
        """
        return await self._transaction(
            lambda connection: multipart.complete_upload(connection, bucket, upload_id, new, conditions),
            what=f"the key {new.key!r}",
            timed_as=metrics.DATABASE_PUT,
        )

    async def abort_upload(self, bucket: BucketRecord, upload_id: str) -> None:
        """Raises NoSuchUpload."""
        await self._transaction(
            lambda connection: multipart.abort_upload(connection, bucket, upload_id),
            what=f"the upload {upload_id!r}",
        )

    async def forget_finished_uploads(self, *, older_than_seconds: float, limit: int = 1000) -> int:
        """Drops what is remembered of completed uploads; how many rows went."""
        return await multipart.forget_finished(self._pool, older_than_seconds=older_than_seconds, limit=limit)

    # Buckets and blobs

    async def bucket_state(self, bucket_id: int) -> BucketState | None:
        return await bucket_rows.bucket_state(self._pool, bucket_id)

    async def set_versioning(self, bucket_id: int, versioning: Versioning) -> None:
        """Raises NoSuchBucket, VersioningImmutable, InvalidArgument (versioning is never switched off again)."""
        await self._pool.transaction(
            lambda connection: bucket_rows.set_versioning(connection, bucket_id, versioning),
            what=f"bucket {bucket_id}",
        )

    async def released_blob(self, blob_id: UUID) -> BlobRecord | None:
        """The blob if nothing refers to it; None where something does, or where its row is gone."""
        return await release.released_blob(self._pool, blob_id)

    async def forget_blob(self, blob_id: UUID) -> None:
        """Deletes the row of a blob that nothing refers to; idempotent."""
        await release.forget_blob(self._pool, blob_id)

    async def _transaction(
        self,
        work: Callable[[Connection], Awaitable[Result]],
        *,
        what: str,
        timed_as: Histogram = metrics.DATABASE_OTHER,
    ) -> Result:
        if self._waiting >= OWN_TRANSACTIONS_WAITING:
            raise Overloaded("the queue of metadata transactions")
        self._waiting += 1
        try:
            async with self._own_transactions:
                return await self._pool.transaction(work, what=what, timed_as=timed_as)
        finally:
            self._waiting -= 1

    async def _learn(self, bucket: BucketRecord, outcome: object) -> None:
        """Remembers a bucket with versioning, which it never loses; its writes take the other way at once."""
        if outcome is not Refusal.BUCKET:
            return
        state = await self.bucket_state(bucket.id)
        if state is not None and state.versioning is not Versioning.UNVERSIONED:
            self._versioned_buckets[bucket.id] = None
            while len(self._versioned_buckets) > VERSIONED_BUCKETS:
                self._versioned_buckets.popitem(last=False)


def _require_storable(key: str) -> None:
    if "\0" in key:
        raise InvalidKey(key, "it contains a NUL character")
    try:
        key.encode()
    except UnicodeEncodeError:
        raise InvalidKey(key, "it is not valid Unicode text") from None
