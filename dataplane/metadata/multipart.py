"""Multipart uploads: created, filled part by part, then completed into a version in one transaction, or aborted.

The rows are the truth about what may be completed; the pure rules (order, sizes, the ETag of the whole) are the
engine's. A completed upload keeps its row for a while, so that a repeated completion gets the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from dataplane.contracts import (
    BucketRecord,
    ChecksumAlgorithm,
    ChecksumType,
    Committed,
    NewVersion,
    ObjectAttributes,
    PartPage,
    PartRecord,
    UploadRecord,
    WriteConditions,
)
from dataplane.errors import InvalidPart, NoSuchBucket, NoSuchUpload
from dataplane.metadata.arrays import Int8Array, UuidArray
from dataplane.metadata.commit import committed, content_columns, place, require, write
from dataplane.metadata.key_lock import hold_key
from dataplane.metadata.kinds import JournalKind
from dataplane.metadata.models import BlobRow, UploadPartRow, UploadRow
from dataplane.metadata.pool import Connection, MetadataPool
from dataplane.metadata.release import (
    ADD_BLOBS,
    RELEASE_BLOBS,
    RELEASE_UPLOAD_PARTS,
    blob_parameters,
    owe_shards,
    share_blobs,
)
from dataplane.metadata.rows import (
    ATTRIBUTE_FIELDS,
    BLOB_FIELDS,
    PART_FIELDS,
    attribute_parameters,
    checksum_parameters,
    read_attributes,
    read_part,
)
from dataplane.metadata.tables import BLOB, BUCKET_STATE, UPLOAD, UPLOAD_PART, VERSION_PART, columns, statement
from dataplane.metadata.version_ids import new_id
from dataplane.metrics import DATABASE_LIST

UPLOAD_FIELDS = ("upload_id", "key", "created", "checksum_algorithm", "checksum_type", *ATTRIBUTE_FIELDS)

_CONTENT = ("size", "etag", "checksum_algorithm", "checksum_value", "checksum_type", "blob_id", "created")
_MOVED = columns(UploadPartRow, "number", *_CONTENT)

CREATE_UPLOAD = statement(
    f"""
    WITH state AS MATERIALIZED (
        SELECT bucket_id FROM {BUCKET_STATE} WHERE bucket_id = %(bucket_id)s::bigint AND NOT deleted FOR KEY SHARE
    )
    INSERT INTO {UPLOAD} ({columns(UploadRow, "bucket_id", *UPLOAD_FIELDS)})
    SELECT state.bucket_id, %(upload_id)s::text, %(key)s::text, clock_timestamp(), %(checksum_algorithm)s::text,
        %(checksum_type)s::text, %(content_type)s::text, %(headers)s::text::jsonb, %(user_metadata)s::text::jsonb,
        %(tags)s::text::jsonb, %(storage_class)s::text, %(owner)s::text, %(retain_until)s::timestamptz,
        %(lock_mode)s::text, %(legal_hold)s::boolean
    FROM state
    RETURNING created
    """
)

FIND_UPLOAD = statement(
    f"""
    SELECT {columns(UploadRow, *UPLOAD_FIELDS)} FROM {UPLOAD}
    WHERE upload_id = %(upload_id)s::text AND bucket_id = %(bucket_id)s::bigint AND key = %(key)s::text
        AND completed IS NULL
    """
)

HOLD_UPLOAD = statement(
    f"""
    SELECT id, key, completed, result_version_id, result_etag FROM {UPLOAD}
    WHERE upload_id = %(upload_id)s::text AND bucket_id = %(bucket_id)s::bigint
    FOR UPDATE
    """
)

FINISHED_UPLOAD = statement(
    f"""
    SELECT completed, result_version_id, result_etag FROM {UPLOAD}
    WHERE upload_id = %(upload_id)s::text AND bucket_id = %(bucket_id)s::bigint AND key = %(key)s::text
        AND completed IS NOT NULL
    """
)

# The upload's row is locked: nobody changes its parts, so `old` is what the upsert replaces.
PUT_PART = statement(
    f"""
    WITH old AS MATERIALIZED (
        SELECT blob_id FROM {UPLOAD_PART}
        WHERE upload_row_id = %(upload_row_id)s::bigint AND number = %(number)s::bigint
    )
    , put AS (
        INSERT INTO {UPLOAD_PART} ({columns(UploadPartRow, "upload_row_id", "number", *_CONTENT)})
        VALUES (%(upload_row_id)s::bigint, %(number)s::bigint, %(size)s::bigint, %(etag)s::text,
            %(checksum_algorithm)s::text, %(checksum_value)s::text, %(checksum_type)s::text, %(blob_id)s::uuid,
            clock_timestamp())
        ON CONFLICT (upload_row_id, number) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _CONTENT)}
        RETURNING created
    )
    SELECT put.created, (SELECT blob_id FROM old) FROM put
    """
)

LIST_PARTS = statement(
    f"""
    SELECT {columns(UploadPartRow, *PART_FIELDS, prefix="p.")}, {columns(BlobRow, *BLOB_FIELDS, prefix="b.")}
    FROM {UPLOAD} u
    JOIN {UPLOAD_PART} p ON p.upload_row_id = u.id
    JOIN LATERAL (SELECT * FROM {BLOB} WHERE id = p.blob_id LIMIT 1) b ON true
    WHERE u.upload_id = %(upload_id)s::text AND u.bucket_id = %(bucket_id)s::bigint AND u.completed IS NULL
        AND p.number > %(after)s::bigint
    ORDER BY p.number
    LIMIT %(limit)s::bigint
    """
)

UPLOAD_IS_OPEN = statement(
    f"""
    SELECT FROM {UPLOAD}
    WHERE upload_id = %(upload_id)s::text AND bucket_id = %(bucket_id)s::bigint AND completed IS NULL
    """
)

MISSING_PART = statement(
    f"""
    SELECT w.number
    FROM unnest(%(numbers)s::bigint[], %(blob_ids)s::uuid[]) AS w (number, blob_id)
    LEFT JOIN LATERAL (
        SELECT blob_id FROM {UPLOAD_PART} WHERE upload_row_id = %(upload_row_id)s::bigint AND number = w.number LIMIT 1
    ) p ON true
    WHERE p.blob_id IS DISTINCT FROM w.blob_id
    LIMIT 1
    """
)

MOVE_PARTS = statement(
    f"""
    INSERT INTO {VERSION_PART} (version_row_id, {_MOVED})
    SELECT %(version_row_id)s::bigint, {_MOVED} FROM {UPLOAD_PART}
    WHERE upload_row_id = %(upload_row_id)s::bigint AND number = ANY (%(kept_numbers)s::bigint[]::smallint[])
    """
)

FINISH_UPLOAD = statement(
    f"""
    UPDATE {UPLOAD} SET completed = %(completed)s::timestamptz, result_version_id = %(version_id)s::text,
        result_etag = %(etag)s::text
    WHERE id = %(upload_row_id)s::bigint
    """
)

DROP_UPLOAD = statement(f"DELETE FROM {UPLOAD} WHERE id = %(upload_row_id)s::bigint")

FORGET_FINISHED = statement(
    f"""
    DELETE FROM {UPLOAD} WHERE id = ANY (ARRAY(
        SELECT id FROM {UPLOAD}
        WHERE completed IS NOT NULL
            AND completed < clock_timestamp() - make_interval(secs => %(older_than_seconds)s::float8)
        ORDER BY completed LIMIT %(limit)s::bigint
    ))
    """
)


async def create_upload(
    pool: MetadataPool,
    bucket: BucketRecord,
    key: str,
    attributes: ObjectAttributes,
    *,
    checksum_algorithm: ChecksumAlgorithm | None,
    checksum_type: ChecksumType | None,
) -> UploadRecord:
    upload_id = new_id(datetime.now(UTC))
    parameters = {
        "bucket_id": bucket.id,
        "upload_id": upload_id,
        "key": key,
        **attribute_parameters(attributes),
        "checksum_algorithm": checksum_algorithm.value if checksum_algorithm else None,
        "checksum_type": checksum_type.value if checksum_type else None,
    }
    rows = await pool.fetch(CREATE_UPLOAD, parameters)
    if not rows:
        raise NoSuchBucket(bucket.name)
    return UploadRecord(upload_id, bucket.id, key, rows[0][0], attributes, checksum_algorithm, checksum_type)


def read_upload(bucket_id: int, row: Sequence[Any]) -> UploadRecord:
    """`row` is UPLOAD_FIELDS."""
    upload_id, key, created, algorithm, kind = row[:5]
    return UploadRecord(
        upload_id,
        bucket_id,
        key,
        created,
        read_attributes(row[5:]),
        ChecksumAlgorithm(algorithm) if algorithm else None,
        ChecksumType(kind) if kind else None,
    )


async def find_upload(pool: MetadataPool, bucket: BucketRecord, key: str, upload_id: str) -> UploadRecord:
    rows = await pool.read(FIND_UPLOAD, {"upload_id": upload_id, "bucket_id": bucket.id, "key": key})
    if not rows:
        raise NoSuchUpload(upload_id)
    return read_upload(bucket.id, rows[0])


async def put_part(
    connection: Connection,
    bucket: BucketRecord,
    upload_id: str,
    part: PartRecord,
    *,
    shared: bool,
    owed_shards: Sequence[int] = (),
) -> PartRecord:
    """Inside a transaction. A part of the same number is replaced and its blob given back."""
    upload_row_id = (await _hold_open(connection, bucket, upload_id))[0]
    if shared:
        await share_blobs(connection, [part.blob.id])
    else:
        await connection.execute(ADD_BLOBS, blob_parameters([part.blob]))
    await owe_shards(connection, part.blob.id, owed_shards)
    parameters = {
        "upload_row_id": upload_row_id,
        "number": part.number,
        "size": part.size,
        "etag": part.etag,
        "blob_id": part.blob.id,
        **checksum_parameters(part.checksum),
    }
    cursor = await connection.execute(PUT_PART, parameters, binary=True)
    row = await cursor.fetchone()
    assert row is not None
    created, old_blob_id = row
    if old_blob_id is not None:
        await connection.execute(RELEASE_BLOBS, {"blob_ids": UuidArray([old_blob_id])})
    return PartRecord(part.number, part.size, part.etag, part.blob, part.checksum, created)


async def list_parts(pool: MetadataPool, bucket: BucketRecord, upload_id: str, *, after: int, limit: int) -> PartPage:
    parameters = {"upload_id": upload_id, "bucket_id": bucket.id, "after": after, "limit": limit + 1}
    parts = [read_part(row) for row in await pool.read(LIST_PARTS, parameters, timed_as=DATABASE_LIST)]
    if not parts and not await pool.execute(UPLOAD_IS_OPEN, parameters):
        raise NoSuchUpload(upload_id)
    page = tuple(parts[:limit])
    return PartPage(page, page[-1].number if len(parts) > limit and page else None)


async def complete_upload(
    connection: Connection, bucket: BucketRecord, upload_id: str, new: NewVersion, conditions: WriteConditions
) -> Committed:
    """Inside a transaction: the named parts become a version, the others are given back.

    A completion that is repeated needs no parts: the caller cannot list them any more.
    Raises InvalidPart where a part is not (or no longer) the one that `new` was computed from.
    """
    held = await hold_key(connection, bucket, new.key)
    upload_row_id, key, completed, result_version_id, result_etag = await _hold(connection, bucket, upload_id)
    if key != new.key:
        raise NoSuchUpload(upload_id)
    if completed is not None and result_etag == new.etag:
        return Committed(result_version_id, completed)
    if completed is not None or not new.parts:
        raise NoSuchUpload(upload_id)
    kept = {
        "upload_row_id": upload_row_id,
        "numbers": Int8Array([part.number for part in new.parts]),
        "kept_numbers": Int8Array([part.number for part in new.parts]),
        "blob_ids": UuidArray([part.blob.id for part in new.parts]),
    }
    cursor = await connection.execute(MISSING_PART, kept, binary=True)
    if (missing := await cursor.fetchone()) is not None:
        raise InvalidPart(missing[0], "it was never uploaded, or has been replaced since; list the parts and try again")
    require(held, conditions)
    placing = place(held, JournalKind.COMPLETE_UPLOAD, content_columns(new))
    version_row_id = await write(connection, held, placing)
    result = committed(held, placing)
    await connection.execute(MOVE_PARTS, {**kept, "version_row_id": version_row_id})
    await connection.execute(RELEASE_UPLOAD_PARTS, kept)
    await connection.execute(
        FINISH_UPLOAD,
        {
            "upload_row_id": upload_row_id,
            "completed": result.last_modified,
            "version_id": result.version_id,
            "etag": new.etag,
        },
    )
    return result


async def abort_upload(connection: Connection, bucket: BucketRecord, upload_id: str) -> None:
    """Inside a transaction."""
    upload_row_id = (await _hold_open(connection, bucket, upload_id))[0]
    await connection.execute(RELEASE_UPLOAD_PARTS, {"upload_row_id": upload_row_id, "kept_numbers": Int8Array([])})
    await connection.execute(DROP_UPLOAD, {"upload_row_id": upload_row_id})


async def forget_finished(pool: MetadataPool, *, older_than_seconds: float, limit: int) -> int:
    return await pool.execute(FORGET_FINISHED, {"older_than_seconds": older_than_seconds, "limit": limit})


async def _hold_open(connection: Connection, bucket: BucketRecord, upload_id: str) -> tuple[Any, ...]:
    row = await _hold(connection, bucket, upload_id)
    if row[2] is not None:
        raise NoSuchUpload(upload_id)
    return row


async def _hold(connection: Connection, bucket: BucketRecord, upload_id: str) -> tuple[Any, ...]:
    cursor = await connection.execute(HOLD_UPLOAD, {"upload_id": upload_id, "bucket_id": bucket.id}, binary=True)
    row = await cursor.fetchone()
    if row is None:
        raise NoSuchUpload(upload_id)
    return row
