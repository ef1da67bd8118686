"""The source of CopyObject and UploadPartCopy: named by a header, looked up, allowed, its conditions checked.

Must not know: what becomes of it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

from dataplane.access.actions import OBJECT_READ
from dataplane.contracts import BucketRecord, ObjectVersion
from dataplane.errors import MarkerNotAllowed
from s3gateway.addressing import parse_copy_source
from s3gateway.authorize import EXPECTED_SOURCE_OWNER, check_expected_owner
from s3gateway.errors import S3Error
from s3gateway.headers import Header, parse_version_id, version_header
from s3gateway.operations.call import Call
from s3gateway.preconditions import check_copy_source, read_conditions

MAX_COPY_BYTES: Final = 5 * 1024**3
"""Largest source of a CopyObject, and largest range of an UploadPartCopy: S3's own limit."""


class CopySource(NamedTuple):
    bucket: BucketRecord
    version: ObjectVersion
    named_version: bool
    """Whether the header named a version: a copy of an old version onto its own key is a change."""

    def headers(self) -> list[Header]:
        if not (self.named_version or self.version.version_id):
            return []
        return [(b"x-amz-copy-source-version-id", version_header(self.version.version_id))]


async def open_copy_source(call: Call) -> CopySource:
    """Raises what a GetObject of the source would, and `PreconditionFailed`."""
    name, key, version_text = parse_copy_source(call.request.header(b"x-amz-copy-source") or "")
    version_id = None if version_text is None else parse_version_id(version_text)
    bucket = call.bucket if name == call.bucket.name else await call.find_bucket(name)
    check_expected_owner(call.request, bucket, EXPECTED_SOURCE_OWNER)
    call.require(OBJECT_READ, bucket, key)
    try:
        version = await call.objects.open(bucket, key, version_id)
    except MarkerNotAllowed:
        raise S3Error(
            "InvalidRequest",
            "The source of a copy request may not specifically refer to a delete marker by version id.",
        ) from None
    conditions = read_conditions(call.request.headers, copy_source=True)
    if conditions is not None:
        check_copy_source(conditions, etag=version.etag, last_modified=version.last_modified, now=datetime.now(UTC))
    return CopySource(bucket, version, version_id is not None)


def too_large(limit_bytes: int = MAX_COPY_BYTES) -> S3Error:
    return S3Error(
        "InvalidRequest",
        f"The specified copy source is larger than the maximum allowable size for a copy source: {limit_bytes}",
    )
