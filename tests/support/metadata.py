"""Making versions for tests of the regional metadata, and checking what must hold of its rows at any moment."""

from __future__ import annotations

import itertools
import os
import uuid
from datetime import UTC, datetime
from typing import Any

import psycopg

from dataplane.contracts import (
    BlobRecord,
    BucketRecord,
    Encryption,
    InlineBody,
    NewVersion,
    ObjectAttributes,
    PartRecord,
    Profile,
    Versioning,
)

_bucket_ids = itertools.count(1000)


def make_bucket(
    regional_url: str, versioning: Versioning = Versioning.UNVERSIONED, *, object_lock: bool = False
) -> BucketRecord:
    """A bucket with its regional state; the id is new in this test process."""
    bucket_id = next(_bucket_ids)
    with psycopg.connect(regional_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO bucket_state (bucket_id, versioning, object_lock) VALUES (%s, %s, %s)",
            [bucket_id, int(versioning), object_lock],
        )
    return BucketRecord(bucket_id, f"bucket-{bucket_id}", 1, "default", "local", datetime.now(UTC))


def make_blob(size: int = 1 << 20) -> BlobRecord:
    seal = Encryption("key-1", os.urandom(60))
    return BlobRecord(uuid.uuid4(), size, Profile(4, 2), 1 << 20, (3, 1, 4, 5, 9, 2), seal, os.urandom(32))


def make_inline(
    bucket: BucketRecord, key: str, data: bytes = b"data", attributes: ObjectAttributes | None = None, **fields: Any
) -> NewVersion:
    etag = fields.pop("etag", uuid.uuid4().hex)
    return NewVersion(
        bucket.id, key, len(data), etag, attributes or ObjectAttributes(), inline=InlineBody(data), **fields
    )


def make_sharded(bucket: BucketRecord, key: str, blob: BlobRecord | None = None, **fields: Any) -> NewVersion:
    blob = blob or make_blob()
    etag = fields.pop("etag", uuid.uuid4().hex)
    return NewVersion(bucket.id, key, blob.size, etag, ObjectAttributes(), blob=blob, **fields)


def make_part(number: int, size: int = 5 << 20) -> PartRecord:
    return PartRecord(number, size, uuid.uuid4().hex, make_blob(size))


def make_joined(bucket: BucketRecord, key: str, parts: tuple[PartRecord, ...], **fields: Any) -> NewVersion:
    etag = fields.pop("etag", f"{uuid.uuid4().hex}-{len(parts)}")
    return NewVersion(bucket.id, key, sum(part.size for part in parts), etag, ObjectAttributes(), parts=parts, **fields)


_BROKEN = {
    "a key without exactly one current version": """
        SELECT bucket_id, key FROM object_version GROUP BY 1, 2 HAVING count(*) FILTER (WHERE is_current) <> 1
        """,
    "a current version that is not the newest": """
        SELECT c.bucket_id, c.key FROM object_version c JOIN object_version o USING (bucket_id, key)
        WHERE c.is_current AND (o.id > c.id OR o.created > c.created)
        """,
    "versions whose times and ids disagree": """
        SELECT a.bucket_id, a.key FROM object_version a JOIN object_version b USING (bucket_id, key)
        WHERE a.id < b.id AND a.created >= b.created
        """,
    "two null versions of a key": """
        SELECT bucket_id, key FROM object_version WHERE version_id = '' GROUP BY 1, 2 HAVING count(*) > 1
        """,
    "a blob whose references are miscounted": """
        SELECT b.id, b.refs, count(r.blob_id) FROM blob b LEFT JOIN (
            SELECT blob_id FROM object_version UNION ALL SELECT blob_id FROM version_part
            UNION ALL SELECT blob_id FROM upload_part
        ) r ON r.blob_id = b.id
        GROUP BY b.id, b.refs HAVING b.refs <> count(r.blob_id)
        """,
    "a reference to a blob that has no row": """
        SELECT r.blob_id FROM (
            SELECT blob_id FROM object_version WHERE blob_id IS NOT NULL UNION ALL SELECT blob_id FROM version_part
            UNION ALL SELECT blob_id FROM upload_part
        ) r LEFT JOIN blob b ON b.id = r.blob_id WHERE b.id IS NULL
        """,
    "a dead blob without exactly one task": """
        SELECT b.id, count(t.id) FROM blob b
        LEFT JOIN task t ON t.kind = 'DeleteObject' AND t.payload ->> 'blob_id' = b.id::text
        GROUP BY b.id, b.refs HAVING count(t.id) <> CASE WHEN b.refs = 0 THEN 1 ELSE 0 END
        """,
    "a version whose parts are not all there": """
        SELECT v.id, v.part_count, count(p.number) FROM object_version v
        LEFT JOIN version_part p ON p.version_row_id = v.id
        GROUP BY v.id, v.part_count HAVING v.part_count <> count(p.number)
        """,
    "parts of nothing": """
        SELECT p.version_row_id FROM version_part p LEFT JOIN object_version v ON v.id = p.version_row_id
        WHERE v.id IS NULL
        """,
    "a journal that does not add up": """
        SELECT coalesce(v.bucket_id, j.bucket_id), v.versions, j.versions, v.bytes, j.bytes
        FROM (SELECT bucket_id, count(*) AS versions, sum(size) AS bytes FROM object_version GROUP BY 1) v
        FULL JOIN (
            SELECT bucket_id, sum(versions_delta) AS versions, sum(bytes_delta) AS bytes FROM journal GROUP BY 1
        ) j ON j.bucket_id = v.bucket_id
        WHERE (coalesce(v.versions, 0), coalesce(v.bytes, 0)) <> (coalesce(j.versions, 0), coalesce(j.bytes, 0))
        """,
    "a row whose last change is not in the journal": """
        SELECT v.id FROM object_version v WHERE NOT EXISTS (
            SELECT FROM journal j WHERE j.id = v.change AND j.bucket_id = v.bucket_id AND j.key = v.key
        )
        """,
}


def assert_consistent(regional_url: str) -> None:
    """Every invariant of the regional schema, over the whole database."""
    with psycopg.connect(regional_url, autocommit=True) as connection:
        for what, query in _BROKEN.items():
            rows = connection.execute(query).fetchall()
            assert not rows, f"{what}: {rows[:5]}"


def rows(regional_url: str, query: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with psycopg.connect(regional_url, autocommit=True) as connection:
        return connection.execute(query, parameters).fetchall()
