"""Committing a version in a transaction of its own: conditional, versioned, suspended, locked, shared, in parts.

Plain puts into unversioned buckets go by `hot_put.py`. Must not know uploads: `multipart.py` moves their parts in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dataplane.contracts import (
    NULL_VERSION,
    BlobRecord,
    BucketRecord,
    Committed,
    NewVersion,
    PartRecord,
    Versioning,
    WriteConditions,
)
from dataplane.metadata.arrays import Int8Array, TextArray, UuidArray
from dataplane.metadata.conditions import require_for_write
from dataplane.metadata.key_lock import TICK, HeldKey, HeldRow, hold_key
from dataplane.metadata.kinds import JournalKind
from dataplane.metadata.models import ObjectVersionRow, VersionPartRow
from dataplane.metadata.pool import Connection, RacedError
from dataplane.metadata.release import (
    ADD_BLOBS,
    RELEASE_BLOBS,
    RELEASE_VERSION_PARTS,
    blob_parameters,
    owe_shards,
    share_blobs,
)
from dataplane.metadata.rows import attribute_parameters, checksum_parameters, checksum_type_or_none
from dataplane.metadata.tables import (
    JOURNAL,
    JOURNAL_SEQUENCE,
    OBJECT_VERSION,
    VERSION_PART,
    columns,
    statement,
)
from dataplane.metadata.version_ids import new_id

_FRESH_TYPES = {
    "bucket_id": "bigint",
    "key": "text",
    "version_id": "text",
    "delete_marker": "boolean",
    "created": "timestamptz",
    "size": "bigint",
    "etag": "text",
    "content_type": "text",
    "headers": "jsonb",
    "user_metadata": "jsonb",
    "tags": "jsonb",
    "storage_class": "text",
    "owner": "text",
    "retain_until": "timestamptz",
    "lock_mode": "text",
    "legal_hold": "boolean",
    "checksum_algorithm": "text",
    "checksum_value": "text",
    "checksum_type": "text",
    "part_count": "bigint",
    "blob_id": "uuid",
    "encryption_key_id": "text",
    "wrapped_key": "bytea",
    "body": "bytea",
}

# The insert reads `room`, and `room` counts the others: the old current row has stepped back before the new one comes.
WRITE_VERSION = statement(
    f"""
    WITH gone AS (
        DELETE FROM {OBJECT_VERSION} WHERE id = ANY (%(removed_row_ids)s::bigint[]) RETURNING size
    )
    , demoted AS (
        UPDATE {OBJECT_VERSION} SET is_current = false WHERE id = %(demoted_row_id)s::bigint RETURNING id
    )
    , room AS MATERIALIZED (
        SELECT (SELECT count(*) FROM gone) AS removed, (SELECT coalesce(sum(size), 0) FROM gone) AS removed_bytes,
            (SELECT count(*) FROM demoted) AS demoted
    )
    , fresh AS (
        INSERT INTO {OBJECT_VERSION} ({columns(ObjectVersionRow, *_FRESH_TYPES, "change")})
        SELECT {", ".join(f"%({name})s::{kind}" for name, kind in _FRESH_TYPES.items())}, nextval('{JOURNAL_SEQUENCE}')
        FROM room WHERE room.removed + room.demoted >= 0
        ON CONFLICT (bucket_id, key) WHERE is_current DO NOTHING
        RETURNING id, change
    )
    , event AS (
        INSERT INTO {JOURNAL} (id, bucket_id, size, bytes_delta, versions_delta, kind, key, version_id, etag)
        SELECT fresh.change, %(bucket_id)s::bigint, %(size)s::bigint, %(size)s::bigint - room.removed_bytes,
            1 - room.removed, %(journal_kind)s::bigint, %(key)s::text, %(version_id)s::text, %(etag)s::text
        FROM fresh, room
    )
    SELECT id FROM fresh
    """
)

_PART_TYPES = {
    "number": "bigint",
    "size": "bigint",
    "etag": "text",
    "checksum_algorithm": "text",
    "checksum_value": "text",
    "checksum_type": "text",
    "blob_id": "uuid",
}

ADD_PARTS = statement(
    f"""
    INSERT INTO {VERSION_PART} ({columns(VersionPartRow, "version_row_id", *_PART_TYPES)})
    SELECT %(version_row_id)s::bigint,
        {", ".join(f"unnest(%(part_{name})s::{kind}[])" for name, kind in _PART_TYPES.items())}
    """
)


@dataclass(frozen=True, slots=True)
class Placing:
    """Where a new row goes among those of its key."""

    version_id: str
    removed: tuple[HeldRow, ...]
    demoted: HeldRow | None
    journal_kind: JournalKind
    columns: Mapping[str, Any] = field(default_factory=dict)


def place(held: HeldKey, kind: JournalKind, columns: Mapping[str, Any]) -> Placing:
    """Versioned buckets push the current version back; the others replace the null version."""
    created = held.now
    current = held.current
    if current is not None and current.created >= created:
        created = current.created + TICK
    values = {"created": created, **columns}
    if held.versioning is Versioning.ENABLED:
        return Placing(new_id(created), (), current, kind, values)
    replaced = held.null_version
    if replaced is not None:
        held.require_removable(replaced)
    demoted = current if current is not replaced else None
    return Placing(NULL_VERSION, (replaced,) if replaced else (), demoted, kind, values)


async def write(connection: Connection, held: HeldKey, placing: Placing) -> int:
    """Writes the row and gives back what it replaces. The id of the new row. Raises RacedError."""
    parameters = {
        **_NO_CONTENT,
        **placing.columns,
        "bucket_id": held.bucket_id,
        "key": held.key,
        "version_id": placing.version_id,
        "removed_row_ids": Int8Array([row.id for row in placing.removed]),
        "demoted_row_id": placing.demoted.id if placing.demoted else None,
        "journal_kind": placing.journal_kind.value,
    }
    cursor = await connection.execute(WRITE_VERSION, parameters, binary=True)
    row = await cursor.fetchone()
    if row is None:
        raise RacedError
    await release_content(connection, placing.removed)
    return int(row[0])


async def release_content(connection: Connection, removed: Sequence[HeldRow]) -> None:
    """Gives back the references of rows that were removed in this transaction."""
    blob_ids = [row.blob_id for row in removed if row.blob_id is not None]
    if blob_ids:
        await connection.execute(RELEASE_BLOBS, {"blob_ids": UuidArray(blob_ids)})
    in_parts = [row.id for row in removed if row.part_count]
    if in_parts:
        await connection.execute(RELEASE_VERSION_PARTS, {"version_row_ids": Int8Array(in_parts)})


_NO_CONTENT: dict[str, Any] = dict.fromkeys(_FRESH_TYPES) | {
    "delete_marker": False,
    "legal_hold": False,
    "size": 0,
    "etag": "",
    "part_count": 0,
}


async def commit_version(
    connection: Connection, bucket: BucketRecord, new: NewVersion, conditions: WriteConditions
) -> Committed:
    """The whole of a put that is not plain, inside a transaction."""
    held = await hold_key(connection, bucket, new.key)
    require(held, conditions)
    placing = place(held, JournalKind.PUT, content_columns(new))
    row_id = await write(connection, held, placing)
    await _add_content(connection, row_id, new)
    return committed(held, placing)


def require(held: HeldKey, conditions: WriteConditions) -> None:
    current = held.current
    if current is None or current.delete_marker:
        require_for_write(conditions, held.key, exists=False, etag="", created=None, size=0)
    else:
        require_for_write(
            conditions, held.key, exists=True, etag=current.etag, created=current.created, size=current.size
        )


def committed(held: HeldKey, placing: Placing) -> Committed:
    version_id = None if held.versioning is Versioning.UNVERSIONED else placing.version_id
    return Committed(version_id, placing.columns["created"])


def content_columns(new: NewVersion) -> dict[str, Any]:
    inline = new.inline
    seal = inline.encryption if inline is not None else None
    return {
        "size": new.size,
        "etag": new.etag,
        "part_count": len(new.parts),
        "blob_id": new.blob.id if new.blob is not None else None,
        "body": inline.data if inline is not None else None,
        "encryption_key_id": seal.key_id if seal else None,
        "wrapped_key": seal.wrapped_key if seal else None,
        **attribute_parameters(new.attributes),
        **checksum_parameters(new.checksum),
    }


async def _add_content(connection: Connection, row_id: int, new: NewVersion) -> None:
    blobs: list[BlobRecord] = [new.blob] if new.blob is not None else [part.blob for part in new.parts]
    if not blobs:
        return
    if new.shared:
        await share_blobs(connection, [blob.id for blob in blobs])
    else:
        await connection.execute(ADD_BLOBS, blob_parameters(blobs))
    if new.parts:
        await connection.execute(ADD_PARTS, {"version_row_id": row_id} | part_parameters(new.parts))
    if new.blob is not None:
        await owe_shards(connection, new.blob.id, new.owed_shards)


def part_parameters(parts: Sequence[PartRecord]) -> dict[str, Any]:
    checksums = [part.checksum for part in parts]
    return {
        "part_number": Int8Array([part.number for part in parts]),
        "part_size": Int8Array([part.size for part in parts]),
        "part_etag": TextArray([part.etag for part in parts]),
        "part_checksum_algorithm": TextArray([each.algorithm.value if each else None for each in checksums]),
        "part_checksum_value": TextArray([each.value if each else None for each in checksums]),
        "part_checksum_type": TextArray([checksum_type_or_none(each) for each in checksums]),
        "part_blob_id": UuidArray([part.blob.id for part in parts]),
    }
