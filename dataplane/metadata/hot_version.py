"""The hot path of versioned buckets: a batch of unconditional puts is three statements and one commit.

The keys' locks, then what is there, then the write: each statement's snapshot begins after the one before it was
answered, and under its lock nobody else changes a key of a versioned bucket. Other buckets it hands back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from dataplane.contracts import Committed, NewVersion, Versioning
from dataplane.metadata.arrays import BoolArray, Int8Array, PgArray, TextArray, TimeArray
from dataplane.metadata.batch_items import (
    ITEM_TYPES,
    Refusal,
    cast_items,
    item_blob_parameters,
    item_parameters,
    unnest_items,
)
from dataplane.metadata.key_lock import TICK
from dataplane.metadata.kinds import JournalKind
from dataplane.metadata.models import ObjectVersionRow
from dataplane.metadata.pool import Connection, MetadataPool
from dataplane.metadata.release import new_blobs
from dataplane.metadata.rows import checksum_type_or_none
from dataplane.metadata.tables import BUCKET_STATE, JOURNAL, JOURNAL_SEQUENCE, OBJECT_VERSION, columns, statement
from dataplane.metadata.version_ids import new_id
from dataplane.metrics import DATABASE_PUT

_TYPES = ITEM_TYPES | {
    "version_id": "text",
    "created": "timestamptz",
    "checksum_type": "text",
    "retain_until": "timestamptz",
    "lock_mode": "text",
    "legal_hold": "boolean",
}

_ITEMS = "unnest(%(bucket_id)s::bigint[], %(key)s::text[]) WITH ORDINALITY AS i (bucket_id, key, place)"

# In the order of the locks, whatever the order of the keys: two batches cannot wait for each other then.
LOCK_KEYS = statement(
    f"""
    SELECT pg_advisory_xact_lock(id)
    FROM (SELECT hashtextextended(i.key, i.bucket_id) AS id FROM {_ITEMS} ORDER BY 1) locks
    """
)

HOLD_BUCKETS = statement(
    f"""
    SELECT bucket_id, clock_timestamp() FROM {BUCKET_STATE}
    WHERE bucket_id = ANY (%(bucket_ids)s::bigint[]) AND NOT deleted AND versioning = {Versioning.ENABLED:d}
    ORDER BY bucket_id
    FOR KEY SHARE
    """
)

CURRENT_ROWS = statement(
    f"""
    SELECT i.place, v.id, v.created FROM {_ITEMS}
    JOIN LATERAL (
        SELECT id, created FROM {OBJECT_VERSION} o
        WHERE o.bucket_id = i.bucket_id AND o.key = i.key AND o.is_current
        LIMIT 1
    ) v ON true
    """
)

# The insert reads `room`, which counts `demoted`: the old current rows have stepped back before the new ones come.
PUT_VERSIONS = statement(
    f"""
    WITH demoted AS (
        UPDATE {OBJECT_VERSION} SET is_current = false WHERE id = ANY (%(demoted_row_ids)s::bigint[]) RETURNING id
    )
    , room AS MATERIALIZED (SELECT count(*) AS demoted FROM demoted)
    , fresh AS (
        INSERT INTO {OBJECT_VERSION} ({columns(ObjectVersionRow, *_TYPES, "change")})
        SELECT {cast_items(_TYPES)}, nextval('{JOURNAL_SEQUENCE}')
        FROM (SELECT {unnest_items(_TYPES)} FROM room WHERE room.demoted >= 0) i
        RETURNING bucket_id, key, version_id, size, etag, change
    )
    , new_blob AS ({new_blobs()})
    INSERT INTO {JOURNAL} (id, bucket_id, size, bytes_delta, versions_delta, kind, key, version_id, etag)
    SELECT change, bucket_id, size, size, 1, {JournalKind.PUT:d}, key, version_id, etag FROM fresh
    """
)


def is_plain(new: NewVersion) -> bool:
    """Whether this path may be tried with it."""
    return not (new.parts or new.shared or new.owed_shards)


async def put_batch(pool: MetadataPool, batch: Sequence[NewVersion]) -> list[Committed | Refusal]:
    """One outcome per item, in order. No two items may have the same bucket and key."""
    return await pool.transaction(partial(_put, batch=batch), what="the keys of a batch", timed_as=DATABASE_PUT)


async def _put(connection: Connection, batch: Sequence[NewVersion]) -> list[Committed | Refusal]:
    held = {
        "bucket_ids": Int8Array(sorted({item.bucket_id for item in batch})),
        "bucket_id": Int8Array([item.bucket_id for item in batch]),
        "key": TextArray([item.key for item in batch]),
    }
    await connection.execute(LOCK_KEYS, held)
    state = await connection.execute(HOLD_BUCKETS, held, binary=True)
    buckets: dict[int, datetime] = dict(await state.fetchall())
    cursor = await connection.execute(CURRENT_ROWS, held, binary=True)
    current = {place - 1: (row_id, created) for place, row_id, created in await cursor.fetchall()}
    outcomes: list[Committed | Refusal] = []
    items: list[NewVersion] = []
    demoted: list[int] = []
    for place, item in enumerate(batch):
        created = buckets.get(item.bucket_id)
        if created is None:
            outcomes.append(Refusal.BUCKET)
            continue
        if place in current:
            row_id, predecessor_created = current[place]
            demoted.append(row_id)
            created = max(created, predecessor_created + TICK)
        items.append(item)
        outcomes.append(Committed(new_id(created), created))
    if items:
        written = [outcome for outcome in outcomes if isinstance(outcome, Committed)]
        parameters = _parameters(items, written) | {"demoted_row_ids": Int8Array(demoted)}
        await connection.execute(PUT_VERSIONS, parameters)
    return outcomes


def _parameters(items: Sequence[NewVersion], written: Sequence[Committed]) -> dict[str, Any]:
    attributes = [item.attributes for item in items]
    more: dict[str, PgArray] = {
        "version_id": TextArray([outcome.version_id for outcome in written]),
        "created": TimeArray([outcome.last_modified for outcome in written]),
        "checksum_type": TextArray([checksum_type_or_none(item.checksum) for item in items]),
        "retain_until": TimeArray([each.retain_until for each in attributes]),
        "lock_mode": TextArray([each.lock_mode or None for each in attributes]),
        "legal_hold": BoolArray([each.legal_hold for each in attributes]),
    }
    return item_parameters(items) | item_blob_parameters(items) | more
