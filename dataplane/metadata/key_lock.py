"""The way into a transaction on one key: everybody else out, then the bucket's state and the rows as they are now.

A hot put does not take the key's lock (its statement is atomic by itself, and only unversioned buckets have hot puts):
against it the rows found here are locked, and an insert can find its place taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dataplane.contracts import NULL_VERSION, BucketRecord, Versioning
from dataplane.errors import NoSuchBucket, ObjectLocked
from dataplane.metadata.models import ObjectVersionRow
from dataplane.metadata.pool import Connection
from dataplane.metadata.tables import BUCKET_STATE, OBJECT_VERSION, columns, statement

GOVERNANCE = "GOVERNANCE"
"""The lock mode that a caller with the right to may pass over; every other is final."""

TICK = timedelta(microseconds=1)
"""By how much a version is younger than its predecessor at least: `created` orders the versions of a key."""

_HELD_FIELDS = (
    "id",
    "version_id",
    "is_current",
    "delete_marker",
    "etag",
    "size",
    "created",
    "blob_id",
    "part_count",
    "retain_until",
    "lock_mode",
    "legal_hold",
)
_HELD = columns(ObjectVersionRow, *_HELD_FIELDS)
_OF_KEY = "bucket_id = %(bucket_id)s::bigint AND key = %(key)s::text"

LOCK_KEY = statement("SELECT pg_advisory_xact_lock(hashtextextended(%(key)s::text, %(bucket_id)s::bigint))")

HOLD_BUCKET = statement(
    f"""
    SELECT versioning, object_lock, clock_timestamp() FROM {BUCKET_STATE}
    WHERE bucket_id = %(bucket_id)s::bigint AND NOT deleted
    FOR KEY SHARE
    """
)

HOLD_ROWS = statement(
    f"""
    WITH current AS (
        SELECT {_HELD} FROM {OBJECT_VERSION} WHERE {_OF_KEY} AND is_current FOR UPDATE
    )
    , past_null AS (
        SELECT {_HELD} FROM {OBJECT_VERSION} WHERE {_OF_KEY} AND version_id = '' AND NOT is_current FOR UPDATE
    )
    , named AS (
        SELECT {_HELD} FROM {OBJECT_VERSION}
        WHERE {_OF_KEY} AND version_id = %(version_id)s::text AND version_id <> '' AND NOT is_current
        FOR UPDATE
    )
    SELECT * FROM current UNION ALL SELECT * FROM past_null UNION ALL SELECT * FROM named
    """
)


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A version whose row is locked until the transaction ends."""

    id: int
    version_id: str
    is_current: bool
    delete_marker: bool
    etag: str
    size: int
    created: datetime
    blob_id: UUID | None
    part_count: int
    retain_until: datetime | None
    lock_mode: str | None
    legal_hold: bool

    def is_protected(self, now: datetime, *, bypass_governance: bool) -> bool:
        """Whether object lock forbids to remove it."""
        if self.legal_hold:
            return True
        if self.retain_until is None or self.retain_until <= now:
            return False
        return not (bypass_governance and self.lock_mode == GOVERNANCE)


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key under its lock. `now` is the database's clock."""

    bucket_id: int
    key: str
    versioning: Versioning
    object_lock: bool
    now: datetime
    rows: tuple[HeldRow, ...]

    @property
    def current(self) -> HeldRow | None:
        return next((row for row in self.rows if row.is_current), None)

    @property
    def null_version(self) -> HeldRow | None:
        return self.version(NULL_VERSION)

    def require_removable(self, row: HeldRow, *, bypass_governance: bool = False) -> None:
        """Raises ObjectLocked."""
        if row.is_protected(self.now, bypass_governance=bypass_governance):
            raise ObjectLocked(self.key, row.version_id)

    def version(self, version_id: str) -> HeldRow | None:
        """A row that was asked for by `hold_key`: the current, the null or the named version."""
        return next((row for row in self.rows if row.version_id == version_id), None)


async def hold_key(connection: Connection, bucket: BucketRecord, key: str, version_id: str = NULL_VERSION) -> HeldKey:
    """Inside a transaction, before anything else. Raises NoSuchBucket."""
    parameters = {"bucket_id": bucket.id, "key": key, "version_id": version_id}
    # Each statement has a snapshot of its own, so those after the lock see what its last holder did.
    async with connection.pipeline():
        await connection.execute(LOCK_KEY, parameters)
        state = await connection.execute(HOLD_BUCKET, parameters, binary=True)
        rows = await connection.execute(HOLD_ROWS, parameters, binary=True)
    held = await state.fetchone()
    if held is None:
        raise NoSuchBucket(bucket.name)
    versioning, object_lock, now = held
    return HeldKey(
        bucket.id,
        key,
        Versioning(versioning),
        object_lock,
        now,
        tuple(HeldRow(*row) for row in await rows.fetchall()),
    )
