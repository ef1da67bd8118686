"""The hot path of writes: a batch of plain puts into unversioned buckets is one statement and one commit.

Plain means: no conditions, one inline body or one whole new blob, no lock. What a put replaces is released by the same
statement. Two cases it hands back to `commit.py`: a bucket that is (no longer) unversioned or is gone, and a row
whose replacement takes more than this statement can see: parts, or a blob younger than the statement's snapshot (an
upsert replaces the newest row, but the rest of the statement reads what was committed when it began).
"""

from __future__ import annotations

from collections.abc import Sequence

from dataplane.contracts import ChecksumType, Committed, NewVersion
from dataplane.metadata.batch_items import (
    ITEM_TYPES,
    Refusal,
    cast_items,
    identity,
    item_blob_parameters,
    item_parameters,
    unnest_items,
)
from dataplane.metadata.kinds import JournalKind
from dataplane.metadata.models import ObjectVersionRow
from dataplane.metadata.pool import MetadataPool
from dataplane.metadata.release import give_back, new_blobs
from dataplane.metadata.tables import (
    BLOB,
    BUCKET_STATE,
    JOURNAL,
    JOURNAL_SEQUENCE,
    OBJECT_VERSION,
    Statement,
    columns,
    statement,
)
from dataplane.metrics import DATABASE_PUT


def _put_statement(*, with_blobs: bool) -> Statement:
    types = ITEM_TYPES if with_blobs else {name: kind for name, kind in ITEM_TYPES.items() if name != "blob_id"}
    replaced = [name for name in types if name not in ("bucket_id", "key")]
    new_blob_ids = "ARRAY(SELECT blob_id FROM upsert WHERE blob_id IS NOT NULL)"
    blob_rows = f", new_blob AS ({new_blobs(f'b.id = ANY ({new_blob_ids})')})"
    return statement(
        f"""
        WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS now)
        , state AS MATERIALIZED (
            SELECT bucket_id FROM {BUCKET_STATE}
            WHERE bucket_id = ANY (%(bucket_ids)s::bigint[]) AND NOT deleted AND versioning = 0
            ORDER BY bucket_id
            FOR KEY SHARE
        )
        , upsert AS (
            INSERT INTO {OBJECT_VERSION} AS v ({columns(ObjectVersionRow, *types, "created", "change")})
            SELECT {cast_items(types)}, (SELECT now FROM clock), nextval('{JOURNAL_SEQUENCE}')
            FROM (SELECT {unnest_items(types)}) i
            WHERE i.bucket_id = ANY (ARRAY(SELECT bucket_id FROM state))
            ON CONFLICT (bucket_id, key) WHERE is_current DO UPDATE SET
                {", ".join(f"{name} = excluded.{name}" for name in replaced)},
                {"" if with_blobs else "blob_id = NULL,"}
                checksum_type = NULL,
                created = excluded.created,
                change = nextval('{JOURNAL_SEQUENCE}'),
                released_size = v.size,
                released_blob_id = v.blob_id
            WHERE v.part_count = 0
                AND (v.blob_id IS NULL OR EXISTS (SELECT FROM {BLOB} b WHERE b.id = v.blob_id))
            RETURNING v.bucket_id, v.key, v.size, v.etag, v.blob_id, v.change, v.released_size, v.released_blob_id
        )
        {blob_rows if with_blobs else ""}
        , event AS (
            INSERT INTO {JOURNAL} (id, bucket_id, size, bytes_delta, versions_delta, kind, key, version_id, etag)
            SELECT change, bucket_id, size, size - coalesce(released_size, 0),
                CASE WHEN released_size IS NULL THEN 1 ELSE 0 END, {JournalKind.PUT:d}, key, '', etag
            FROM upsert
        )
        , replaced AS (SELECT released_blob_id AS blob_id FROM upsert WHERE released_blob_id IS NOT NULL)
        {give_back("replaced")}
        SELECT
            (SELECT now FROM clock),
            ARRAY(SELECT bucket_id FROM state),
            CASE WHEN (SELECT count(*) FROM upsert) < cardinality(%(key)s::text[]) THEN ARRAY(
                SELECT i.place
                FROM unnest(%(bucket_id)s::bigint[], %(key)s::text[]) WITH ORDINALITY AS i (bucket_id, key, place)
                WHERE NOT EXISTS (SELECT FROM upsert u WHERE u.bucket_id = i.bucket_id AND u.key = i.key)
            ) END
        """
    )


PUT_INLINE = _put_statement(with_blobs=False)
PUT_ANY = _put_statement(with_blobs=True)


def is_plain(new: NewVersion) -> bool:
    """Whether the hot path may be tried with it."""
    attributes = new.attributes
    return not (
        new.parts
        or new.shared
        or new.owed_shards
        or attributes.legal_hold
        or attributes.lock_mode
        or attributes.retain_until is not None
        or (new.checksum is not None and new.checksum.type is not ChecksumType.FULL_OBJECT)
    )


async def put_batch(pool: MetadataPool, batch: Sequence[NewVersion]) -> list[Committed | Refusal]:
    """One outcome per item, in order. No two items may have the same bucket and key."""
    # Every writer takes row locks in this order; two batches cannot wait for each other then.
    order = sorted(range(len(batch)), key=lambda place: identity(batch[place]))
    items = [batch[place] for place in order]
    query, parameters = (
        (PUT_ANY, item_parameters(items) | item_blob_parameters(items))
        if any(item.blob is not None for item in items)
        else (PUT_INLINE, item_parameters(items))
    )
    [(now, bucket_ids, refused)] = await pool.fetch(query, parameters, timed_as=DATABASE_PUT)
    committed: Committed | Refusal = Committed(None, now)
    outcomes = [committed] * len(items)
    if refused:
        hot_buckets = set(bucket_ids)
        for place in refused:
            bucket_id = items[place - 1].bucket_id
            outcomes[order[place - 1]] = Refusal.ROW if bucket_id in hot_buckets else Refusal.BUCKET
    return outcomes
