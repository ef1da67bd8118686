"""Listing the uploads in progress of a bucket: keys ascending, within a key the oldest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dataplane.contracts import BucketRecord, UploadPage, UploadRecord
from dataplane.metadata.keyspace import before_nul, common_prefix
from dataplane.metadata.models import UploadRow
from dataplane.metadata.multipart import UPLOAD_FIELDS, read_upload
from dataplane.metadata.pool import MetadataPool
from dataplane.metadata.skip_scan import walk_entries, walk_parameters
from dataplane.metadata.tables import UPLOAD, columns, statement
from dataplane.metrics import DATABASE_LIST

_LISTED = columns(UploadRow, *UPLOAD_FIELDS)
_KEY = UPLOAD_FIELDS.index("key")
_OPEN = "bucket_id = %(bucket_id)s::bigint AND completed IS NULL"

LIST_UPLOADS = statement(
    f"""
    SELECT {_LISTED} FROM {UPLOAD}
    WHERE {_OPEN} AND key >= %(start)s::text AND key < %(stop)s::text
    ORDER BY key, upload_id
    LIMIT %(limit)s::bigint
    """
)

LIST_UPLOAD_ENTRIES = statement(
    walk_entries(
        listed=_LISTED,
        relation=UPLOAD,
        condition=_OPEN,
        order="key, upload_id",
        sibling=f"""
            SELECT {_LISTED} FROM {UPLOAD}
            WHERE {_OPEN} AND key = walk.key AND upload_id > walk.upload_id AND walk.rolled = 0
            ORDER BY upload_id
            LIMIT 1
            """,
    )
)

REST_OF_KEY = statement(
    f"""
    SELECT {_LISTED} FROM {UPLOAD}
    WHERE {_OPEN} AND key = %(key)s::text AND upload_id > %(after_upload_id)s::text
    ORDER BY upload_id
    LIMIT %(limit)s::bigint
    """
)


async def list_uploads(
    pool: MetadataPool,
    bucket: BucketRecord,
    *,
    prefix: str,
    delimiter: str,
    after_key: str,
    after_upload_id: str | None,
    limit: int,
) -> UploadPage:
    """Without `after_upload_id` the page begins after all uploads of `after_key`."""
    if limit <= 0 or "\0" in prefix:
        return UploadPage((), (), None, None)
    if "\0" in delimiter:
        delimiter = ""
    marker = before_nul(after_key)
    parameters = {"bucket_id": bucket.id, "limit": limit + 1, **walk_parameters(prefix, delimiter, marker)}
    rows: list[Sequence[Any]] = []
    if after_upload_id and marker.startswith(prefix) and not common_prefix(marker, prefix, delimiter):
        rest = {**parameters, "key": marker, "after_upload_id": before_nul(after_upload_id)}
        rows = [(*row, 0) for row in await pool.read(REST_OF_KEY, rest, timed_as=DATABASE_LIST)]
    if len(rows) <= limit:
        parameters["limit"] = limit + 1 - len(rows)
        if delimiter:
            rows += await pool.read(LIST_UPLOAD_ENTRIES, parameters, timed_as=DATABASE_LIST)
        else:
            rows += [(*row, 0) for row in await pool.read(LIST_UPLOADS, parameters, timed_as=DATABASE_LIST)]
    return _page(bucket.id, rows, limit)


def _page(bucket_id: int, rows: Sequence[Sequence[Any]], limit: int) -> UploadPage:
    uploads: list[UploadRecord] = []
    prefixes: list[str] = []
    next_key: str | None = None
    next_upload_id: str | None = None
    for *row, rolled in rows[:limit]:
        if rolled:
            next_key, next_upload_id = row[_KEY][:rolled], None
            prefixes.append(next_key)
        else:
            upload = read_upload(bucket_id, row)
            next_key, next_upload_id = upload.key, upload.upload_id
            uploads.append(upload)
    if len(rows) <= limit:
        next_key = next_upload_id = None
    return UploadPage(tuple(uploads), tuple(prefixes), next_key, next_upload_id)
