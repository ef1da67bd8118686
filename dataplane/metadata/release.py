"""Reference counts of blobs: taking references, giving them back, and the task that follows the last one.

Every row of object_version, version_part and upload_part that names a blob is one reference. Whoever removes such a
row gives the reference back in the same transaction; at zero a DeleteObject task is enqueued there too, and the blob
is never referred to again.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from dataplane.contracts import BlobRecord
from dataplane.errors import OperationAborted
from dataplane.metadata.arrays import ByteaArray, Int8Array, PgArray, TextArray, UuidArray
from dataplane.metadata.kinds import TaskKind
from dataplane.metadata.models import BlobRow
from dataplane.metadata.pool import Connection, MetadataPool
from dataplane.metadata.rows import BLOB_FIELDS, json_or_none, read_blob
from dataplane.metadata.tables import BLOB, TASK, UPLOAD_PART, VERSION_PART, columns, statement

BLOB_TYPES = {
    "id": "uuid",
    "size": "bigint",
    "k": "bigint",
    "m": "bigint",
    "segment_bytes": "bigint",
    "stores": "smallint[]",
    "encryption_key_id": "text",
    "wrapped_key": "bytea",
    "content_hash": "bytea",
}


_TIMES = "coalesce(((SELECT times FROM repeated) ->> b.id::text)::bigint, 1)"
"""Of blob `b`; `repeated` maps those that occur more than once, for a join would leave the plan to chance."""


def _occurrences(references: str) -> str:
    return f"""
        released AS (SELECT blob_id AS id, count(*) AS times FROM {references} GROUP BY 1)
        , repeated AS (SELECT jsonb_object_agg(id, times) AS times FROM released WHERE times > 1)
        """


def give_back(references: str) -> str:
    """CTEs that give back the references of the relation `references` (blob_id, one row a reference)."""
    return f"""
        , {_occurrences(references)}
        , counted AS (
            UPDATE {BLOB} b SET refs = refs - {_TIMES}
            WHERE b.id = ANY (ARRAY(SELECT id FROM released))
            RETURNING b.id, b.refs
        )
        , task AS (
            INSERT INTO {TASK} (kind, payload)
            SELECT '{TaskKind.DELETE_OBJECT}', jsonb_build_object('blob_id', id) FROM counted WHERE refs = 0
        )
        """


def new_blobs(condition: str = "true") -> str:
    """INSERT of the blobs of `blob_parameters` that meet `condition` (over `b`)."""
    sent = {name: "text" if kind.endswith("[]") else kind for name, kind in BLOB_TYPES.items()}
    unnested = ", ".join(f"unnest(%(new_blob_{name})s::{kind}[]) AS {name}" for name, kind in sent.items())
    selected = ", ".join(f"b.{name}::{kind}" for name, kind in BLOB_TYPES.items())
    return f"""
        INSERT INTO {BLOB} ({columns(BlobRow, *BLOB_TYPES)})
        SELECT {selected} FROM (SELECT {unnested}) b WHERE {condition}
        """


def blob_parameters(blobs: Sequence[BlobRecord]) -> dict[str, PgArray]:
    seals = [blob.encryption for blob in blobs]
    return {
        "new_blob_id": UuidArray([blob.id for blob in blobs]),
        "new_blob_size": Int8Array([blob.size for blob in blobs]),
        "new_blob_k": Int8Array([blob.profile.k for blob in blobs]),
        "new_blob_m": Int8Array([blob.profile.m for blob in blobs]),
        "new_blob_segment_bytes": Int8Array([blob.segment_bytes for blob in blobs]),
        "new_blob_stores": TextArray(["{" + ",".join(map(str, blob.stores)) + "}" for blob in blobs]),
        "new_blob_encryption_key_id": TextArray([seal.key_id if seal else None for seal in seals]),
        "new_blob_wrapped_key": ByteaArray([seal.wrapped_key if seal else None for seal in seals]),
        "new_blob_content_hash": ByteaArray([blob.content_hash or None for blob in blobs]),
    }


ADD_BLOBS = statement(new_blobs())

SHARE_BLOBS = statement(
    f"""
    WITH {_occurrences("unnest(%(blob_ids)s::uuid[]) AS shared (blob_id)")}
    UPDATE {BLOB} b SET refs = refs + {_TIMES}
    WHERE b.id = ANY (%(blob_ids)s::uuid[]) AND b.refs > 0
    RETURNING b.id
    """
)

RELEASE_BLOBS = statement(
    f"""
    WITH given AS (SELECT unnest(%(blob_ids)s::uuid[]) AS blob_id)
    {give_back("given")}
    SELECT count(*) FROM released
    """
)

RELEASE_VERSION_PARTS = statement(
    f"""
    WITH gone AS (
        DELETE FROM {VERSION_PART} WHERE version_row_id = ANY (%(version_row_ids)s::bigint[]) RETURNING blob_id
    )
    {give_back("gone")}
    SELECT count(*) FROM released
    """
)

RELEASE_UPLOAD_PARTS = statement(
    f"""
    WITH gone AS (
        DELETE FROM {UPLOAD_PART} WHERE upload_row_id = %(upload_row_id)s::bigint RETURNING number, blob_id
    )
    , unused AS (SELECT blob_id FROM gone WHERE number <> ALL (%(kept_numbers)s::bigint[]::smallint[]))
    {give_back("unused")}
    SELECT count(*) FROM released
    """
)


ADD_TASK = statement(f"INSERT INTO {TASK} (kind, payload) VALUES (%(kind)s::text, %(payload)s::text::jsonb)")

RELEASED_BLOB = statement(
    f"SELECT {columns(BlobRow, *BLOB_FIELDS)} FROM {BLOB} WHERE id = %(blob_id)s::uuid AND refs = 0"
)

FORGET_BLOB = statement(f"DELETE FROM {BLOB} WHERE id = %(blob_id)s::uuid AND refs = 0")


async def share_blobs(connection: Connection, blob_ids: Sequence[UUID]) -> None:
    """One more reference for each; OperationAborted where one of them was deleted in the meantime."""
    cursor = await connection.execute(SHARE_BLOBS, {"blob_ids": UuidArray(blob_ids)})
    if cursor.rowcount < len(set(blob_ids)):
        raise OperationAborted("the source of the copy: it was deleted meanwhile")


async def owe_shards(connection: Connection, blob_id: UUID, shards: Sequence[int]) -> None:
    """A repair task for shards that were not durable when the write was acknowledged."""
    if shards:
        payload = json_or_none({"blob_id": str(blob_id), "shards": list(shards)})
        await connection.execute(ADD_TASK, {"kind": TaskKind.REPAIR_BLOB.value, "payload": payload})


async def released_blob(pool: MetadataPool, blob_id: UUID) -> BlobRecord | None:
    """The blob if nothing refers to it; None where something does, or where its row is gone."""
    rows = await pool.read(RELEASED_BLOB, {"blob_id": blob_id})
    return read_blob(rows[0]) if rows else None


async def forget_blob(pool: MetadataPool, blob_id: UUID) -> None:
    """Deletes the row of a blob that nothing refers to; idempotent."""
    await pool.execute(FORGET_BLOB, {"blob_id": blob_id})
