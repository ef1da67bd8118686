"""Tags of a version: replaced as a whole, with a journal row."""

from __future__ import annotations

from collections.abc import Mapping

from dataplane.contracts import NULL_VERSION, BucketRecord, Versioning
from dataplane.errors import MarkerNotAllowed, NoSuchKey, NoSuchVersion
from dataplane.metadata.key_lock import hold_key
from dataplane.metadata.kinds import JournalKind
from dataplane.metadata.pool import Connection
from dataplane.metadata.rows import json_or_none
from dataplane.metadata.tables import JOURNAL, JOURNAL_SEQUENCE, OBJECT_VERSION, statement

SET_TAGS = statement(
    f"""
    WITH tagged AS (
        UPDATE {OBJECT_VERSION} SET tags = %(tags)s::text::jsonb, change = nextval('{JOURNAL_SEQUENCE}')
        WHERE id = %(row_id)s::bigint
        RETURNING bucket_id, key, version_id, size, etag, change
    )
    INSERT INTO {JOURNAL} (id, bucket_id, size, bytes_delta, versions_delta, kind, key, version_id, etag)
    SELECT change, bucket_id, size, 0, 0, {JournalKind.TAGS:d}, key, version_id, etag FROM tagged
    """
)


async def put_tags(
    connection: Connection, bucket: BucketRecord, key: str, version_id: str | None, tags: Mapping[str, str]
) -> str | None:
    """Inside a transaction."""
    held = await hold_key(connection, bucket, key, version_id or NULL_VERSION)
    row = held.current if version_id is None else held.version(version_id)
    if row is None:
        raise NoSuchKey(key) if version_id is None else NoSuchVersion(key, version_id)
    if row.delete_marker:
        if version_id is None:
            raise NoSuchKey(key, delete_marker_version_id=row.version_id)
        raise MarkerNotAllowed(key, row.version_id)
    await connection.execute(SET_TAGS, {"row_id": row.id, "tags": json_or_none(tags)})
    return None if held.versioning is Versioning.UNVERSIONED else row.version_id
