"""Reply headers of an object version: what GET and HEAD say about it, and what a write answers. Pure.

Lists of ready byte pairs: built once where they are constant, by few look-ups where they are not.
"""

from __future__ import annotations

from typing import Final

from dataplane.contracts import NO_HEADERS, Checksum, ChecksumAlgorithm, ObjectVersion
from s3gateway.body.checksums import HEADER_OF
from s3gateway.headers import (
    DEFAULT_CONTENT_TYPE_LINES,
    Header,
    content_header_lines,
    http_date,
    iso_date,
    user_metadata_headers,
    version_header,
)

ACCEPT_RANGES: Final = (b"accept-ranges", b"bytes")
SSE_S3: Final = (b"x-amz-server-side-encryption", b"AES256")
DELETE_MARKER: Final = (b"x-amz-delete-marker", b"true")
_VERSION_ID: Final = b"x-amz-version-id"
_CHECKSUM_NAME: Final = {algorithm: HEADER_OF[algorithm].encode() for algorithm in ChecksumAlgorithm}


def is_encrypted(version: ObjectVersion, default: bool) -> bool:
    """`default` is for a version that was looked up without its content (HEAD): how the node stores."""
    if version.inline is not None:
        return version.inline.encryption is not None
    if version.blob is not None:
        return version.blob.encryption is not None
    if version.parts:
        return version.parts[0].blob.encryption is not None
    return default


def object_headers(version: ObjectVersion, *, encrypts: bool, named: bool = False) -> list[Header]:
    """The headers of a 200 or 206, without length, range and checksums.

    `encrypts`: whether the node seals what it stores; `named`: the request named the version.
    """
    headers = [
        (b"last-modified", http_date(version.last_modified)),
        (b"etag", b'"%b"' % version.etag.encode()),
        ACCEPT_RANGES,
    ]
    content = version.headers
    headers += DEFAULT_CONTENT_TYPE_LINES if content is NO_HEADERS else content_header_lines(content)
    if is_encrypted(version, encrypts):
        headers.append(SSE_S3)
    if version.version_id or named:
        headers.append((_VERSION_ID, version_header(version.version_id)))
    if version.user_metadata:
        headers += user_metadata_headers(version.user_metadata)
    if version.tags:
        headers.append((b"x-amz-tagging-count", b"%d" % len(version.tags)))
    if version.storage_class != "STANDARD":
        headers.append((b"x-amz-storage-class", version.storage_class.encode()))
    if version.lock_mode and version.retain_until is not None:
        headers.append((b"x-amz-object-lock-mode", version.lock_mode.encode()))
        headers.append((b"x-amz-object-lock-retain-until-date", iso_date(version.retain_until).encode()))
    if version.legal_hold:
        headers.append((b"x-amz-object-lock-legal-hold", b"ON"))
    return headers


def checksum_headers(checksum: Checksum) -> list[Header]:
    return [
        (_CHECKSUM_NAME[checksum.algorithm], checksum.value.encode()),
        (b"x-amz-checksum-type", checksum.type.value.encode()),
    ]


def version_headers(version_id: str | None) -> list[Header]:
    """x-amz-version-id of what was read or deleted; none in a bucket that never had versioning."""
    return [] if version_id is None else [(_VERSION_ID, version_header(version_id))]


def written_version_headers(version_id: str | None) -> list[Header]:
    """x-amz-version-id of a write: S3 names no null version there (suspended versioning)."""
    return version_headers(version_id) if version_id else []
