"""Deleting: markers, versions, promotion of the next newest, object lock; and the hot path of plain deletes.

A plain delete (no conditions, no version or the null version) in an unversioned bucket goes out in a batch with others;
what that statement cannot decide, and everything in buckets with versioning, takes a transaction a key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dataplane.contracts import NULL_VERSION, BucketRecord, Deleted, DeleteItem, Versioning
from dataplane.metadata.arrays import Int8Array, TextArray
from dataplane.metadata.batch_items import Refusal
from dataplane.metadata.commit import place, release_content, write
from dataplane.metadata.conditions import require_match
from dataplane.metadata.key_lock import HeldKey, HeldRow, hold_key
from dataplane.metadata.kinds import JournalKind
from dataplane.metadata.pool import Connection, MetadataPool
from dataplane.metadata.release import give_back
from dataplane.metadata.tables import BLOB, BUCKET_STATE, JOURNAL, JOURNAL_SEQUENCE, OBJECT_VERSION, statement
from dataplane.metrics import DATABASE_DELETE

# `found` locks the newest state of each row; what it replaced may be younger than the snapshot that the rest reads by.
DELETE_ROWS = statement(
    f"""
    WITH state AS MATERIALIZED (
        SELECT bucket_id FROM {BUCKET_STATE}
        WHERE bucket_id = ANY (%(bucket_ids)s::bigint[]) AND NOT deleted AND versioning = 0
        ORDER BY bucket_id
        FOR KEY SHARE
    )
    , found AS MATERIALIZED (
        SELECT i.place, v.id, v.part_count = 0 AND NOT v.legal_hold AND v.retain_until IS NULL
            AND (v.blob_id IS NULL OR EXISTS (SELECT FROM {BLOB} b WHERE b.id = v.blob_id)) AS simple
        FROM unnest(%(bucket_id)s::bigint[], %(key)s::text[]) WITH ORDINALITY AS i (bucket_id, key, place)
        JOIN LATERAL (
            SELECT id, part_count, legal_hold, retain_until, blob_id FROM {OBJECT_VERSION} o
            WHERE o.bucket_id = i.bucket_id AND o.key = i.key AND o.is_current
            LIMIT 1
            FOR UPDATE
        ) v ON true
        WHERE i.bucket_id = ANY (ARRAY(SELECT bucket_id FROM state))
    )
    , gone AS (
        DELETE FROM {OBJECT_VERSION} WHERE id = ANY (ARRAY(SELECT id FROM found WHERE simple))
        RETURNING bucket_id, key, size, etag, blob_id, nextval('{JOURNAL_SEQUENCE}') AS change
    )
    , event AS (
        INSERT INTO {JOURNAL} (id, bucket_id, size, bytes_delta, versions_delta, kind, key, version_id, etag)
        SELECT change, bucket_id, size, -size, -1, {JournalKind.DELETE:d}, key, '', etag FROM gone
    )
    , dropped AS (SELECT blob_id FROM gone WHERE blob_id IS NOT NULL)
    {give_back("dropped")}
    SELECT ARRAY(SELECT bucket_id FROM state), ARRAY(SELECT place FROM found WHERE simple),
        ARRAY(SELECT place FROM found WHERE NOT simple)
    """
)

REMOVE_VERSION = statement(
    f"""
    WITH gone AS (
        DELETE FROM {OBJECT_VERSION} WHERE id = %(row_id)s::bigint
        RETURNING bucket_id, key, version_id, size, etag, nextval('{JOURNAL_SEQUENCE}') AS change
    )
    INSERT INTO {JOURNAL} (id, bucket_id, size, bytes_delta, versions_delta, kind, key, version_id, etag)
    SELECT change, bucket_id, size, -size, -1, {JournalKind.DELETE:d}, key, version_id, etag FROM gone
    """
)

PROMOTE = statement(
    f"""
    UPDATE {OBJECT_VERSION} SET is_current = true
    WHERE id = (
        SELECT id FROM {OBJECT_VERSION}
        WHERE bucket_id = %(bucket_id)s::bigint AND key = %(key)s::text AND NOT is_current
        ORDER BY id DESC LIMIT 1
    )
    """
)


@dataclass(frozen=True, slots=True)
class PlainDelete:
    bucket_id: int
    key: str


def is_plain(item: DeleteItem) -> bool:
    return not item.conditions and item.version_id in (None, NULL_VERSION)


def identity(item: PlainDelete) -> tuple[int, str]:
    return item.bucket_id, item.key


async def delete_batch(pool: MetadataPool, batch: Sequence[PlainDelete]) -> list[bool | Refusal]:
    """Whether there was something to delete, an outcome an item, in order."""
    order = sorted(range(len(batch)), key=lambda index: identity(batch[index]))
    items = [batch[index] for index in order]
    [(hot_buckets, gone, refused)] = await pool.fetch(
        DELETE_ROWS,
        {
            "bucket_ids": Int8Array(sorted({item.bucket_id for item in items})),
            "bucket_id": Int8Array([item.bucket_id for item in items]),
            "key": TextArray([item.key for item in items]),
        },
        timed_as=DATABASE_DELETE,
    )
    outcomes: list[bool | Refusal] = [False] * len(items)
    for number in gone:
        outcomes[order[number - 1]] = True
    for number in refused:
        outcomes[order[number - 1]] = Refusal.ROW
    for index, item in zip(order, items, strict=True):
        if item.bucket_id not in hot_buckets:
            outcomes[index] = Refusal.BUCKET
    return outcomes


async def delete_key(
    connection: Connection, bucket: BucketRecord, item: DeleteItem, *, bypass_governance: bool
) -> Deleted:
    """One delete of any kind, inside a transaction. Raises ObjectLocked, PreconditionFailed, NoSuchBucket."""
    held = await hold_key(connection, bucket, item.key, item.version_id or NULL_VERSION)
    unversioned = held.versioning is Versioning.UNVERSIONED
    if item.version_id is None and not unversioned:
        return await _hide(connection, held, item)
    version_id = NULL_VERSION if item.version_id is None else item.version_id
    row = held.version(version_id)
    if row is None:
        return Deleted(item.version_id, existed=False)
    require_match(item.conditions, etag=row.etag, created=row.created, size=row.size)
    held.require_removable(row, bypass_governance=bypass_governance)
    await _remove(connection, held, row)
    return Deleted(item.version_id, delete_marker=row.delete_marker)


async def _hide(connection: Connection, held: HeldKey, item: DeleteItem) -> Deleted:
    """Puts a delete marker on top; where versioning is suspended it takes the place of the null version."""
    current = held.current
    existed = current is not None and not current.delete_marker
    if item.conditions:
        if current is None or not existed:
            return Deleted(None, existed=False)
        require_match(item.conditions, etag=current.etag, created=current.created, size=current.size)
    placing = place(held, JournalKind.DELETE_MARKER, {"delete_marker": True})
    await write(connection, held, placing)
    return Deleted(placing.version_id, delete_marker=True, existed=existed)


async def _remove(connection: Connection, held: HeldKey, row: HeldRow) -> None:
    await connection.execute(REMOVE_VERSION, {"row_id": row.id})
    await release_content(connection, [row])
    if row.is_current and held.versioning is not Versioning.UNVERSIONED:
        await connection.execute(PROMOTE, {"bucket_id": held.bucket_id, "key": held.key})
