"""Listing all versions of a bucket's keys: keys ascending, within a key the newest first.

A key's newest version is the current one, so the current rows and the others are two streams ordered alike: without a
delimiter both are scanned and merged; with one, a skip scan walks the current rows and looks for siblings of each.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from dataplane.contracts import NULL_VERSION, BucketRecord, ListedVersion, VersionPage
from dataplane.errors import InvalidArgument
from dataplane.metadata.keyspace import before_nul, common_prefix
from dataplane.metadata.models import ObjectVersionRow
from dataplane.metadata.pool import MetadataPool
from dataplane.metadata.rows import STANDARD, read_checksum
from dataplane.metadata.skip_scan import walk_entries, walk_parameters
from dataplane.metadata.tables import OBJECT_VERSION, columns, statement
from dataplane.metadata.version_ids import created_of
from dataplane.metrics import DATABASE_LIST

_LISTED = columns(
    ObjectVersionRow,
    "id",
    "key",
    "version_id",
    "is_current",
    "delete_marker",
    "size",
    "etag",
    "created",
    "storage_class",
    "owner",
    "checksum_algorithm",
    "checksum_value",
    "checksum_type",
)
_ID, _KEY = 0, 1

_CURRENT = "bucket_id = %(bucket_id)s::bigint AND is_current"
_PAST = "bucket_id = %(bucket_id)s::bigint AND NOT is_current"
_END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
_GREATEST_ID = 2**63 - 1

LIST_CURRENT = statement(
    f"""
    SELECT {_LISTED} FROM {OBJECT_VERSION}
    WHERE {_CURRENT} AND key >= %(start)s::text AND key < %(stop)s::text
    ORDER BY key
    LIMIT %(limit)s::bigint
    """
)

LIST_PAST = statement(
    f"""
    SELECT {_LISTED} FROM {OBJECT_VERSION}
    WHERE {_PAST} AND key >= %(start)s::text AND key < %(stop)s::text
    ORDER BY key, id DESC
    LIMIT %(limit)s::bigint
    """
)

LIST_VERSION_ENTRIES = statement(
    walk_entries(
        listed=_LISTED,
        relation=OBJECT_VERSION,
        condition=_CURRENT,
        sibling=f"""
            SELECT {_LISTED} FROM {OBJECT_VERSION}
            WHERE {_PAST} AND key = walk.key AND id < walk.id AND walk.rolled = 0
            ORDER BY id DESC
            LIMIT 1
            """,
    )
)

_OLDER = "key = %(key)s::text AND id < %(below_id)s::bigint AND created < %(before)s::timestamptz"

# What was current when the marker was given may be past now, and the other way round.
REST_OF_KEY = statement(
    f"""
    SELECT {_LISTED} FROM (
        (SELECT {_LISTED} FROM {OBJECT_VERSION} WHERE {_CURRENT} AND {_OLDER} LIMIT 1)
        UNION ALL
        (SELECT {_LISTED} FROM {OBJECT_VERSION} WHERE {_PAST} AND {_OLDER} ORDER BY id DESC LIMIT %(limit)s::bigint)
    ) rest
    ORDER BY id DESC
    LIMIT %(limit)s::bigint
    """
)

MARKER_ROW = statement(
    f"""
    (SELECT id FROM {OBJECT_VERSION}
        WHERE {_CURRENT} AND key = %(key)s::text AND version_id = %(version_id)s::text)
    UNION ALL
    (SELECT id FROM {OBJECT_VERSION}
        WHERE {_PAST} AND key = %(key)s::text AND version_id = %(version_id)s::text)
    """
)


async def list_versions(
    pool: MetadataPool,
    bucket: BucketRecord,
    *,
    prefix: str,
    delimiter: str,
    after_key: str,
    after_version_id: str | None,
    limit: int,
) -> VersionPage:
    """Raises InvalidArgument for a version marker that no version can have had."""
    if limit <= 0 or "\0" in prefix:
        return VersionPage((), (), None, None)
    if "\0" in delimiter:
        delimiter = ""
    marker = before_nul(after_key)
    parameters = {"bucket_id": bucket.id, "limit": limit + 1, **walk_parameters(prefix, delimiter, marker)}
    rows: list[Sequence[Any]] = []
    if after_version_id is not None and marker.startswith(prefix) and not common_prefix(marker, prefix, delimiter):
        rest = {**parameters, "key": marker, **await _position(pool, bucket, marker, after_version_id)}
        rows = [(*row, 0) for row in await pool.read(REST_OF_KEY, rest, timed_as=DATABASE_LIST)]
    if len(rows) <= limit:
        parameters["limit"] = limit + 1 - len(rows)
        rows += await (_walk(pool, parameters) if delimiter else _merge(pool, parameters))
    return _page(rows, limit)


async def _position(pool: MetadataPool, bucket: BucketRecord, key: str, version_id: str) -> dict[str, Any]:
    """Bounds of the versions that come after the marker in `key`.

    The marker's version may be gone: who empties a bucket page by page deletes it before the next page. Its id tells
    when it was made. Only the null version's does not: what is left of the key is listed from its start then.
    """
    found = await pool.read(
        MARKER_ROW, {"bucket_id": bucket.id, "key": key, "version_id": version_id}, timed_as=DATABASE_LIST
    )
    if found:
        return {"below_id": found[0][0], "before": _END_OF_TIME}
    created = _END_OF_TIME if version_id == NULL_VERSION else created_of(version_id)
    if created is None:
        raise InvalidArgument("version-id-marker", version_id, "no version of this store can have this id")
    return {"below_id": _GREATEST_ID, "before": created}


async def _walk(pool: MetadataPool, parameters: dict[str, Any]) -> list[Sequence[Any]]:
    return [*await pool.read(LIST_VERSION_ENTRIES, parameters, timed_as=DATABASE_LIST)]


async def _merge(pool: MetadataPool, parameters: dict[str, Any]) -> list[Sequence[Any]]:
    current = await pool.read(LIST_CURRENT, parameters, timed_as=DATABASE_LIST)
    past = await pool.read(LIST_PAST, parameters, timed_as=DATABASE_LIST)
    merged = heapq.merge(current, past, key=lambda row: (row[_KEY], -row[_ID]))
    return [(*row, 0) for row, _ in zip(merged, range(parameters["limit"]), strict=False)]


def _page(rows: Sequence[Sequence[Any]], limit: int) -> VersionPage:
    versions: list[ListedVersion] = []
    prefixes: list[str] = []
    next_key: str | None = None
    next_version_id: str | None = None
    for *row, rolled in rows[:limit]:
        if rolled:
            next_key, next_version_id = row[_KEY][:rolled], None
            prefixes.append(next_key)
        else:
            version = _read(row)
            next_key, next_version_id = version.key, version.version_id
            versions.append(version)
    if len(rows) <= limit:
        next_key = next_version_id = None
    return VersionPage(tuple(versions), tuple(prefixes), next_key, next_version_id)


def _read(row: Sequence[Any]) -> ListedVersion:
    _, key, version_id, is_current, delete_marker, size, etag, created, storage_class, owner, *checksum = row
    return ListedVersion(
        key,
        version_id,
        is_current,
        delete_marker,
        size,
        etag,
        created,
        storage_class or STANDARD,
        owner or "",
        read_checksum(*checksum),
    )
