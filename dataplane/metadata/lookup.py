"""Reading versions: a batch of lookups is one statement that brings version, blob and inline body together.

Must not know conditions, markers' meaning or bodies: it returns what the rows say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from dataplane.contracts import NULL_VERSION, ObjectVersion, PartRecord
from dataplane.metadata.arrays import BoolArray, Int8Array, TextArray
from dataplane.metadata.models import BlobRow, ObjectVersionRow, VersionPartRow
from dataplane.metadata.pool import MetadataPool
from dataplane.metadata.rows import BLOB_FIELDS, PART_FIELDS, VERSION_FIELDS, read_part, read_version
from dataplane.metadata.tables import BLOB, OBJECT_VERSION, VERSION_PART, Statement, columns, statement
from dataplane.metrics import DATABASE_LOOKUP


@dataclass(frozen=True, slots=True)
class Lookup:
    """Which version, and how much of it. Without `content` neither the inline body nor the parts are read."""

    bucket_id: int
    key: str
    content: bool = True


_WITHOUT_BODY = VERSION_FIELDS[:-1]
assert VERSION_FIELDS[-1] == "body"

# LIMIT 1 inside LATERAL: the planner can then only probe the index once an item, whatever its statistics say.
_BLOB = f"""
    LEFT JOIN LATERAL (
        SELECT {columns(BlobRow, *BLOB_FIELDS)} FROM {BLOB} WHERE id = v.blob_id LIMIT 1
    ) b ON true
    """


def _version_statement(condition: str) -> Statement:
    return statement(
        f"""
        SELECT {columns(ObjectVersionRow, *_WITHOUT_BODY, prefix="v.")}, CASE WHEN %(content)s::boolean THEN v.body END,
            {columns(BlobRow, *BLOB_FIELDS, prefix="b.")}
        FROM (
            SELECT {columns(ObjectVersionRow, *VERSION_FIELDS, "blob_id")} FROM {OBJECT_VERSION}
            WHERE bucket_id = %(bucket_id)s::bigint AND key = %(key)s::text AND {condition}
            LIMIT 1
        ) v {_BLOB}
        """
    )


CURRENT_VERSIONS = statement(
    f"""
    SELECT i.place, {columns(ObjectVersionRow, *_WITHOUT_BODY, prefix="v.")}, CASE WHEN i.content THEN v.body END,
        {columns(BlobRow, *BLOB_FIELDS, prefix="b.")}
    FROM unnest(%(bucket_id)s::bigint[], %(key)s::text[], %(content)s::boolean[])
        WITH ORDINALITY AS i (bucket_id, key, content, place)
    JOIN LATERAL (
        SELECT {columns(ObjectVersionRow, *VERSION_FIELDS, "blob_id")} FROM {OBJECT_VERSION} o
        WHERE o.bucket_id = i.bucket_id AND o.key = i.key AND o.is_current
        LIMIT 1
    ) v ON true {_BLOB}
    """
)
CURRENT_VERSION = _version_statement("is_current")
VERSION_BY_ID = _version_statement("version_id = %(version_id)s::text AND version_id <> ''")
NULL_VERSION_NOT_CURRENT = _version_statement("version_id = '' AND NOT is_current")

PARTS = statement(
    f"""
    SELECT p.version_row_id, {columns(VersionPartRow, *PART_FIELDS, prefix="p.")},
        {columns(BlobRow, *BLOB_FIELDS, prefix="b.")}
    FROM unnest(%(version_row_ids)s::bigint[]) AS v (id)
    JOIN {VERSION_PART} p ON p.version_row_id = v.id
    JOIN LATERAL (SELECT * FROM {BLOB} WHERE id = p.blob_id LIMIT 1) b ON true
    ORDER BY p.version_row_id, p.number
    """
)


def is_whole(found: ObjectVersion) -> bool:
    """False for a version in parts that was replaced between the reading of its row and of its parts."""
    return found.blob is not None or found.inline is not None or len(found.parts) == found.part_count


async def current_batch(pool: MetadataPool, batch: Sequence[Lookup]) -> list[ObjectVersion | None]:
    """The current version of each key, in order; None where the key has none."""
    found: list[ObjectVersion | None] = [None] * len(batch)
    if len(batch) == 1:
        [item] = batch
        parameters = {"bucket_id": item.bucket_id, "key": item.key, "content": item.content}
        for row in await pool.read(CURRENT_VERSION, parameters, timed_as=DATABASE_LOOKUP):
            found[0] = read_version(item.bucket_id, item.key, row)
    else:
        rows = await pool.read(
            CURRENT_VERSIONS,
            {
                "bucket_id": Int8Array([item.bucket_id for item in batch]),
                "key": TextArray([item.key for item in batch]),
                "content": BoolArray([item.content for item in batch]),
            },
            timed_as=DATABASE_LOOKUP,
        )
        for row in rows:
            item = batch[row[0] - 1]
            found[row[0] - 1] = read_version(item.bucket_id, item.key, row[1:])
    return await _with_parts(pool, found, [item.content for item in batch])


async def version(pool: MetadataPool, item: Lookup, version_id: str) -> ObjectVersion | None:
    """The named version, current or not; "" is the null version."""
    parameters: dict[str, Any] = {"bucket_id": item.bucket_id, "key": item.key, "content": item.content}
    if version_id != NULL_VERSION:
        rows = await pool.read(VERSION_BY_ID, parameters | {"version_id": version_id}, timed_as=DATABASE_LOOKUP)
    else:
        rows = await pool.read(CURRENT_VERSION, parameters, timed_as=DATABASE_LOOKUP)
        if not rows or rows[0][VERSION_FIELDS.index("version_id")] != NULL_VERSION:
            rows = await pool.read(NULL_VERSION_NOT_CURRENT, parameters, timed_as=DATABASE_LOOKUP)
    found = [read_version(item.bucket_id, item.key, row) for row in rows]
    [*complete] = await _with_parts(pool, found, [item.content] * len(found))
    return complete[0] if complete else None


async def _with_parts(
    pool: MetadataPool, versions: Sequence[ObjectVersion | None], wanted: Sequence[bool]
) -> list[ObjectVersion | None]:
    """Adds the part lists. A version that was replaced in between has fewer parts than it says: see `is_whole`."""
    complete = list(versions)
    places = [
        place
        for place, (found, content) in enumerate(zip(versions, wanted, strict=True))
        if found is not None and content and found.part_count and found.blob is None and found.inline is None
    ]
    if not places:
        return complete
    # Several lookups of one batch may have found the same version; its parts are asked for once.
    row_ids = sorted({found.row_id for place in places if (found := versions[place]) is not None})
    parts: defaultdict[int, list[PartRecord]] = defaultdict(list)
    for row_id, *row in await pool.read(PARTS, {"version_row_ids": Int8Array(row_ids)}, timed_as=DATABASE_LOOKUP):
        parts[row_id].append(read_part(row))
    for place in places:
        found = versions[place]
        assert found is not None
        complete[place] = replace(found, parts=tuple(parts[found.row_id]))
    return complete
