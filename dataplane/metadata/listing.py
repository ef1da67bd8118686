"""Listing the current objects of a bucket: a keyset scan, or with a delimiter a skip scan over the same index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dataplane.contracts import BucketRecord, ListedObject, ObjectPage
from dataplane.metadata.keyspace import before_nul
from dataplane.metadata.models import ObjectVersionRow
from dataplane.metadata.pool import MetadataPool
from dataplane.metadata.rows import STANDARD, read_checksum
from dataplane.metadata.skip_scan import walk_entries, walk_parameters
from dataplane.metadata.tables import OBJECT_VERSION, columns, statement
from dataplane.metrics import DATABASE_LIST

_LISTED = columns(
    ObjectVersionRow,
    "key",
    "size",
    "etag",
    "created",
    "storage_class",
    "owner",
    "checksum_algorithm",
    "checksum_value",
    "checksum_type",
)
_LIVE = "bucket_id = %(bucket_id)s::bigint AND is_current AND NOT delete_marker"

LIST_KEYS = statement(
    f"""
    SELECT {_LISTED} FROM {OBJECT_VERSION}
    WHERE {_LIVE} AND key >= %(start)s::text AND key < %(stop)s::text
    ORDER BY key
    LIMIT %(limit)s::bigint
    """
)

LIST_ENTRIES = statement(walk_entries(listed=_LISTED, relation=OBJECT_VERSION, condition=_LIVE))


async def list_objects(
    pool: MetadataPool, bucket: BucketRecord, *, prefix: str, delimiter: str, after: str, limit: int
) -> ObjectPage:
    if limit <= 0 or "\0" in prefix:
        return ObjectPage((), (), None)
    if "\0" in delimiter:
        delimiter = ""
    parameters = {
        "bucket_id": bucket.id,
        "limit": limit + 1,
        **walk_parameters(prefix, delimiter, before_nul(after)),
    }
    if not delimiter:
        rows = await pool.read(LIST_KEYS, parameters, timed_as=DATABASE_LIST)
        objects = tuple(_read(row) for row in rows[:limit])
        return ObjectPage(objects, (), objects[-1].key if len(rows) > limit else None)
    rows = await pool.read(LIST_ENTRIES, parameters, timed_as=DATABASE_LIST)
    found: list[ListedObject] = []
    prefixes: list[str] = []
    last = ""
    for *row, rolled in rows[:limit]:
        if rolled:
            last = row[0][:rolled]
            prefixes.append(last)
        else:
            last = row[0]
            found.append(_read(row))
    return ObjectPage(tuple(found), tuple(prefixes), last if len(rows) > limit else None)


def _read(row: Sequence[Any]) -> ListedObject:
    key, size, etag, created, storage_class, owner, algorithm, value, kind = row
    return ListedObject(
        key,
        size,
        etag,
        created,
        storage_class or STANDARD,
        owner or "",
        read_checksum(algorithm, value, kind) if algorithm else None,
    )
