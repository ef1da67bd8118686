"""What a writing request says about its object besides the bytes: headers -> `ObjectAttributes`. Pure.

PutObject, CopyObject and CreateMultipartUpload share it. Headers of features that are not served are refused by name:
a header that asks for protection or secrecy must never be taken for granted. Must not know: bodies, the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final

from dataplane.contracts import NO_HEADERS, BucketRecord, ObjectAttributes
from s3gateway.errors import S3Error, invalid_argument, not_implemented
from s3gateway.headers import content_headers, parse_http_date, user_metadata
from s3gateway.request import header_text
from s3gateway.settings import GatewaySettings
from s3gateway.shapes.tagging import parse_tag_header

_NOTHING_TO_STORE: Final = frozenset(
    (
        b"x-amz-date",
        b"x-amz-content-sha256",
        b"x-amz-decoded-content-length",
        b"x-amz-trailer",
        b"x-amz-security-token",
        b"x-amz-user-agent",
        b"x-amz-sdk-checksum-algorithm",
        b"x-amz-checksum-crc32",
        b"x-amz-checksum-crc32c",
        b"x-amz-checksum-crc64nvme",
        b"x-amz-checksum-sha1",
        b"x-amz-checksum-sha256",
        b"x-amz-checksum-algorithm",
        b"x-amz-checksum-type",
        b"x-amz-request-payer",
        b"x-amz-expected-bucket-owner",
        b"x-amz-website-redirect-location",
    )
)
"""x-amz-* headers that need no look here: transport, or read elsewhere."""

STORAGE_CLASSES: Final = frozenset(
    (
        "STANDARD",
        "REDUCED_REDUNDANCY",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER_IR",
    )
)
"""Accepted and kept as a label; every object is stored alike. Classes that would have to be restored before a read
(GLACIER, DEEP_ARCHIVE), or that live elsewhere, are refused."""

ACCEPTED_ACLS: Final = frozenset(("private", "bucket-owner-full-control"))
CANNED_ACLS: Final = ACCEPTED_ACLS | {
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "log-delivery-write",
}

_SSE: Final = b"x-amz-server-side-encryption"
_SSE_KMS_HEADERS: Final = (b"x-amz-server-side-encryption-aws-kms-key-id", b"x-amz-server-side-encryption-context")
_SSE_CUSTOMER_PREFIXES: Final = (
    b"x-amz-server-side-encryption-customer-",
    b"x-amz-copy-source-server-side-encryption-customer-",
)
_ACL: Final = b"x-amz-acl"
GRANT_PREFIX: Final = b"x-amz-grant-"
_TAGGING: Final = b"x-amz-tagging"
_STORAGE_CLASS: Final = b"x-amz-storage-class"
_LOCK_PREFIX: Final = b"x-amz-object-lock-"
_LOCK_MODE: Final = b"x-amz-object-lock-mode"
_LOCK_UNTIL: Final = b"x-amz-object-lock-retain-until-date"
_LOCK_HOLD: Final = b"x-amz-object-lock-legal-hold"
_WRITE_OFFSET: Final = b"x-amz-write-offset-bytes"


def parse_attributes(
    headers: Mapping[bytes, bytes], *, bucket: BucketRecord, owner: str, settings: GatewaySettings, now: datetime | None
) -> ObjectAttributes:
    """Raises `S3Error` for whatever cannot be kept as asked. `now` is what retention dates are compared with."""
    content = content_headers(headers)
    for name in headers:
        if name.startswith(b"x-amz-") and name not in _NOTHING_TO_STORE:
            break
    else:
        return _plain(owner) if content is NO_HEADERS else ObjectAttributes(headers=content, owner=owner)
    check_acl(headers)
    check_encryption(headers, settings)
    if _WRITE_OFFSET in headers:
        raise not_implemented("x-amz-write-offset-bytes")
    tagging = headers.get(_TAGGING)
    retain_until, lock_mode, legal_hold = _object_lock(headers, bucket, now)
    return ObjectAttributes(
        headers=content,
        user_metadata=user_metadata(headers, settings.max_user_metadata_bytes),
        tags={} if not tagging else parse_tag_header(tagging),
        storage_class=storage_class(headers),
        owner=owner,
        retain_until=retain_until,
        lock_mode=lock_mode,
        legal_hold=legal_hold,
    )


@lru_cache(maxsize=1024)
def _plain(owner: str) -> ObjectAttributes:
    """Most small writes set nothing at all: one shared value an owner."""
    return ObjectAttributes(owner=owner)


def storage_class(headers: Mapping[bytes, bytes]) -> str:
    raw = headers.get(_STORAGE_CLASS)
    if raw is None:
        return "STANDARD"
    value = header_text(raw)
    if value not in STORAGE_CLASSES:
        raise S3Error("InvalidStorageClass", fields={"StorageClassRequested": value})
    return value


def check_acl(headers: Mapping[bytes, bytes]) -> None:
    """Objects belong to the bucket's owner (BucketOwnerEnforced): an ACL that says just that is accepted, no other."""
    acl = headers.get(_ACL)
    if acl is not None:
        value = header_text(acl)
        if value not in CANNED_ACLS:
            raise invalid_argument("x-amz-acl", value)
        if value not in ACCEPTED_ACLS:
            raise S3Error("AccessControlListNotSupported")
    if any(name.startswith(GRANT_PREFIX) for name in headers):
        raise S3Error("AccessControlListNotSupported")


def check_encryption(headers: Mapping[bytes, bytes], settings: GatewaySettings) -> None:
    """SSE-S3 is what is done anyway; keys of the client or of a key service are refused, never ignored."""
    names = [name for name in headers if name.startswith((_SSE, *_SSE_CUSTOMER_PREFIXES))]
    if not names:
        return
    if any(name.startswith(_SSE_CUSTOMER_PREFIXES) for name in names):
        raise not_implemented("Server-side encryption with customer-provided keys (SSE-C)")
    value = header_text(headers.get(_SSE, b""))
    if value.startswith("aws:"):
        raise not_implemented("Server-side encryption with KMS keys (x-amz-server-side-encryption: aws:kms)")
    if any(name in headers for name in _SSE_KMS_HEADERS):
        raise invalid_argument(
            "x-amz-server-side-encryption",
            value,
            "Server Side Encryption with AWS KMS managed key requires HTTP header "
            "x-amz-server-side-encryption : aws:kms",
        )
    if value != "AES256":
        raise invalid_argument(
            "x-amz-server-side-encryption", value, "The encryption method specified is not supported"
        )
    if not settings.encrypts_at_rest:
        raise not_implemented("Server-side encryption (this node runs with ENCRYPT_AT_REST=false)")


def _object_lock(
    headers: Mapping[bytes, bytes], bucket: BucketRecord, now: datetime | None
) -> tuple[datetime | None, str, bool]:
    mode, until, hold = headers.get(_LOCK_MODE), headers.get(_LOCK_UNTIL), headers.get(_LOCK_HOLD)
    if mode is None and until is None and hold is None:
        return None, "", False
    if not bucket.object_lock:
        raise S3Error("InvalidRequest", "Bucket is missing Object Lock Configuration")
    if (mode is None) != (until is None):
        raise S3Error(
            "InvalidArgument",
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
            fields={"ArgumentName": (_LOCK_MODE if mode is None else _LOCK_UNTIL).decode()},
        )
    mode_text = header_text(mode or b"")
    if mode is not None and mode_text not in ("GOVERNANCE", "COMPLIANCE"):
        raise invalid_argument("x-amz-object-lock-mode", mode_text, "Unknown wormMode directive.")
    retain_until: datetime | None = None
    if until is not None:
        retain_until = parse_http_date(header_text(until))
        if retain_until is None or (now is not None and retain_until <= now):
            raise invalid_argument(
                "x-amz-object-lock-retain-until-date",
                header_text(until),
                "The retain until date must be in the future!",
            )
    hold_text = header_text(hold or b"OFF")
    if hold_text not in ("ON", "OFF"):
        raise invalid_argument("x-amz-object-lock-legal-hold", hold_text, "Legal Hold must be either of 'ON' or 'OFF'")
    return retain_until, mode_text, hold_text == "ON"
