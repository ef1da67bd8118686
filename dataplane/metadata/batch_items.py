"""Puts as columns: what the batched statements are given for each item, and how they unfold it.

Shared by the batches of `hot_put.py` and `hot_version.py`. Must not know statements.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence

from dataplane.contracts import Encryption, NewVersion
from dataplane.metadata.arrays import ByteaArray, Int8Array, PgArray, TextArray, UuidArray
from dataplane.metadata.release import blob_parameters
from dataplane.metadata.rows import json_or_none, other_headers, storage_class_or_none


class Refusal(enum.Enum):
    """Why the hot path did not take a put. Nothing was written for it."""

    BUCKET = "the bucket is not an unversioned one"
    ROW = "what the key holds needs a transaction of its own"


ITEM_TYPES = {
    "bucket_id": "bigint",
    "key": "text",
    "size": "bigint",
    "etag": "text",
    "content_type": "text",
    "headers": "jsonb",
    "user_metadata": "jsonb",
    "tags": "jsonb",
    "storage_class": "text",
    "owner": "text",
    "checksum_algorithm": "text",
    "checksum_value": "text",
    "encryption_key_id": "text",
    "wrapped_key": "bytea",
    "body": "bytea",
    "blob_id": "uuid",
}


def unnest_items(types: Mapping[str, str]) -> str:
    """`unnest` in the select list goes item by item; in FROM it would first copy every body aside."""
    sent = {name: "text" if kind == "jsonb" else kind for name, kind in types.items()}
    return ", ".join(f"unnest(%({name})s::{kind}[]) AS {name}" for name, kind in sent.items())


def cast_items(types: Mapping[str, str]) -> str:
    return ", ".join(f"i.{name}::jsonb" if kind == "jsonb" else f"i.{name}" for name, kind in types.items())


def identity(new: NewVersion) -> tuple[int, str]:
    return new.bucket_id, new.key


def weight_bytes(new: NewVersion) -> int:
    return 1024 + (len(new.inline.data) if new.inline is not None else 0)


def item_parameters(items: Sequence[NewVersion]) -> dict[str, PgArray]:
    """By ITEM_TYPES but the blob, and the distinct buckets."""
    attributes = [item.attributes for item in items]
    checksums = [item.checksum for item in items]
    seals = [_inline_seal(item) for item in items]
    return {
        "bucket_ids": Int8Array(sorted({item.bucket_id for item in items})),
        "bucket_id": Int8Array([item.bucket_id for item in items]),
        "key": TextArray([item.key for item in items]),
        "size": Int8Array([item.size for item in items]),
        "etag": TextArray([item.etag for item in items]),
        "content_type": TextArray([each.headers.content_type or None for each in attributes]),
        "headers": TextArray([other_headers(each.headers) for each in attributes]),
        "user_metadata": TextArray([json_or_none(each.user_metadata) for each in attributes]),
        "tags": TextArray([json_or_none(each.tags) for each in attributes]),
        "storage_class": TextArray([storage_class_or_none(each.storage_class) for each in attributes]),
        "owner": TextArray([each.owner or None for each in attributes]),
        "checksum_algorithm": TextArray([each.algorithm.value if each else None for each in checksums]),
        "checksum_value": TextArray([each.value if each else None for each in checksums]),
        "encryption_key_id": TextArray([each.key_id if each else None for each in seals]),
        "wrapped_key": ByteaArray([each.wrapped_key if each else None for each in seals]),
        "body": ByteaArray([item.inline.data if item.inline is not None else None for item in items]),
    }


def _inline_seal(item: NewVersion) -> Encryption | None:
    return item.inline.encryption if item.inline is not None else None


def item_blob_parameters(items: Sequence[NewVersion]) -> dict[str, PgArray]:
    """The blob of each item, and the columns of the blobs that there are."""
    blob_ids = UuidArray([item.blob.id if item.blob is not None else None for item in items])
    return {"blob_id": blob_ids} | blob_parameters([item.blob for item in items if item.blob is not None])
