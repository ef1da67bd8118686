"""Contracts into columns and back. Absent values are NULL in the database and empty in the contracts.

Must not know statements; the order of columns in `VERSION_FIELDS` and the others is what the readers here expect.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dataplane.contracts import (
    NO_HEADERS,
    BlobRecord,
    Checksum,
    ChecksumAlgorithm,
    ChecksumType,
    Encryption,
    InlineBody,
    ObjectAttributes,
    ObjectHeaders,
    ObjectVersion,
    PartRecord,
    Profile,
)

STANDARD = "STANDARD"

VERSION_FIELDS = (
    "id",
    "version_id",
    "is_current",
    "size",
    "etag",
    "created",
    "delete_marker",
    "part_count",
    "content_type",
    "headers",
    "user_metadata",
    "tags",
    "checksum_algorithm",
    "checksum_value",
    "checksum_type",
    "storage_class",
    "owner",
    "retain_until",
    "lock_mode",
    "legal_hold",
    "encryption_key_id",
    "wrapped_key",
    "body",
)
BLOB_FIELDS = ("id", "size", "k", "m", "segment_bytes", "stores", "encryption_key_id", "wrapped_key", "content_hash")
PART_FIELDS = ("number", "size", "etag", "checksum_algorithm", "checksum_value", "checksum_type", "created")
ATTRIBUTE_FIELDS = (
    "content_type",
    "headers",
    "user_metadata",
    "tags",
    "storage_class",
    "owner",
    "retain_until",
    "lock_mode",
    "legal_hold",
)


def read_version(bucket_id: int, key: str, row: Sequence[Any]) -> ObjectVersion:
    """`row` is VERSION_FIELDS followed by BLOB_FIELDS (all None where there is no blob)."""
    (
        row_id, version_id, is_current, size, etag, created, delete_marker, part_count, content_type, headers,
        user_metadata, tags, checksum_algorithm, checksum_value, checksum_type, storage_class, owner, retain_until,
        lock_mode, legal_hold, key_id, wrapped_key, body, blob_id,
    ) = row[: len(VERSION_FIELDS) + 1]  # fmt: skip
    return ObjectVersion(
        bucket_id,
        key,
        version_id,
        size,
        etag,
        created,
        is_current,
        delete_marker,
        read_headers(content_type, headers),
        user_metadata or {},
        tags or {},
        read_checksum(checksum_algorithm, checksum_value, checksum_type) if checksum_algorithm else None,
        storage_class or STANDARD,
        owner or "",
        part_count,
        retain_until,
        lock_mode or "",
        legal_hold,
        InlineBody(body, Encryption(key_id, wrapped_key) if key_id is not None else None) if body is not None else None,
        read_blob(row[len(VERSION_FIELDS) :]) if blob_id is not None else None,
        (),
        row_id,
    )


def read_blob(row: Sequence[Any]) -> BlobRecord:
    """`row` is BLOB_FIELDS."""
    blob_id, size, k, m, segment_bytes, stores, key_id, wrapped_key, content_hash = row
    return BlobRecord(
        blob_id,
        size,
        Profile(k, m),
        segment_bytes,
        tuple(stores),
        Encryption(key_id, wrapped_key) if key_id is not None else None,
        content_hash or b"",
    )


def read_part(row: Sequence[Any]) -> PartRecord:
    """`row` is PART_FIELDS followed by BLOB_FIELDS."""
    number, size, etag, checksum_algorithm, checksum_value, checksum_type, created = row[: len(PART_FIELDS)]
    return PartRecord(
        number,
        size,
        etag,
        read_blob(row[len(PART_FIELDS) :]),
        read_checksum(checksum_algorithm, checksum_value, checksum_type),
        created,
    )


def read_attributes(row: Sequence[Any]) -> ObjectAttributes:
    """`row` is ATTRIBUTE_FIELDS."""
    (
        content_type, headers, user_metadata, tags, storage_class, owner, retain_until, lock_mode, legal_hold,
    ) = row  # fmt: skip
    return ObjectAttributes(
        read_headers(content_type, headers),
        user_metadata or {},
        tags or {},
        storage_class or STANDARD,
        owner or "",
        retain_until,
        lock_mode or "",
        legal_hold,
    )


def read_headers(content_type: str | None, others: Mapping[str, str] | None) -> ObjectHeaders:
    if others:
        return ObjectHeaders(content_type=content_type or "", **others)
    return ObjectHeaders(content_type) if content_type else NO_HEADERS


def read_checksum(algorithm: str | None, value: str | None, kind: str | None) -> Checksum | None:
    if algorithm is None or value is None:
        return None
    return Checksum(ChecksumAlgorithm(algorithm), value, ChecksumType(kind) if kind else ChecksumType.FULL_OBJECT)


def other_headers(headers: ObjectHeaders) -> str | None:
    """The headers but the content type, as JSON of those that are set."""
    if headers == ObjectHeaders(headers.content_type):
        return None
    return json_or_none({name: value for name, value in asdict(headers).items() if value and name != "content_type"})


def json_or_none(mapping: Mapping[str, Any]) -> str | None:
    return json.dumps(dict(mapping), ensure_ascii=False, separators=(",", ":")) if mapping else None


def storage_class_or_none(storage_class: str) -> str | None:
    return None if storage_class == STANDARD else storage_class


def checksum_type_or_none(checksum: Checksum | None) -> str | None:
    return None if checksum is None or checksum.type is ChecksumType.FULL_OBJECT else checksum.type.value


def attribute_parameters(attributes: ObjectAttributes) -> dict[str, Any]:
    """Parameters by ATTRIBUTE_FIELDS; JSON as text, to be cast."""
    return {
        "content_type": attributes.headers.content_type or None,
        "headers": other_headers(attributes.headers),
        "user_metadata": json_or_none(attributes.user_metadata),
        "tags": json_or_none(attributes.tags),
        "storage_class": storage_class_or_none(attributes.storage_class),
        "owner": attributes.owner or None,
        "retain_until": attributes.retain_until,
        "lock_mode": attributes.lock_mode or None,
        "legal_hold": attributes.legal_hold,
    }


def checksum_parameters(checksum: Checksum | None) -> dict[str, Any]:
    return {
        "checksum_algorithm": checksum.algorithm.value if checksum else None,
        "checksum_value": checksum.value if checksum else None,
        "checksum_type": checksum_type_or_none(checksum),
    }
