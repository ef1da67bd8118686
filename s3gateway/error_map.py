"""Domain error -> S3Error: the one translation of this wire. Pure. A test proves that it is complete.

Must not know: requests, replies.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from dataplane import errors
from s3gateway.errors import S3Error

Header = tuple[bytes, bytes]


def to_s3_error(error: errors.DomainError) -> S3Error:
    """What the client is told. Raises `error` itself where its class has no translation (an unexpected one: 500)."""
    translate = TRANSLATIONS.get(type(error))
    if translate is None:
        raise error
    return translate(error)


def _plain(code: str) -> Callable[[Any], S3Error]:
    """The code with AWS's own message, where ours would add nothing a client may know."""

    def translate(_error: errors.DomainError) -> S3Error:
        return S3Error(code)

    return translate


def _told(code: str) -> Callable[[Any], S3Error]:
    """The code with our sentence, where AWS has none that fits."""

    def translate(error: errors.DomainError) -> S3Error:
        return S3Error(code, str(error))

    return translate


def _bucket(code: str) -> Callable[[Any], S3Error]:
    def translate(error: Any) -> S3Error:
        return S3Error(code, fields={"BucketName": error.bucket})

    return translate


def _no_such_key(error: errors.NoSuchKey) -> S3Error:
    headers: list[Header] = []
    if error.delete_marker_version_id is not None:
        headers = [
            (b"x-amz-delete-marker", b"true"),
            (b"x-amz-version-id", (error.delete_marker_version_id or "null").encode()),
        ]
    return S3Error("NoSuchKey", fields={"Key": error.key}, headers=headers)


def _no_such_version(error: errors.NoSuchVersion) -> S3Error:
    return S3Error("NoSuchVersion", fields={"Key": error.key, "VersionId": error.version_id or "null"})


def _marker_not_allowed(error: errors.MarkerNotAllowed) -> S3Error:
    return S3Error(
        "MethodNotAllowed",
        fields={"Method": "GET", "ResourceType": "DeleteMarker"},
        headers=[
            (b"allow", b"DELETE"),
            (b"x-amz-delete-marker", b"true"),
            (b"x-amz-version-id", (error.version_id or "null").encode()),
        ],
    )


def _not_modified(error: errors.NotModified) -> S3Error:
    moment = datetime.fromtimestamp(error.last_modified_epoch_seconds, UTC)
    return S3Error(
        "NotModified",
        headers=[
            (b"etag", f'"{error.etag}"'.encode()),
            (b"last-modified", format_datetime(moment, usegmt=True).encode()),
        ],
    )


def _invalid_range(error: errors.InvalidRange) -> S3Error:
    size = str(error.actual_size_bytes)
    return S3Error(
        "InvalidRange",
        fields={"RangeRequested": error.requested, "ActualObjectSize": size},
        headers=[(b"content-range", f"bytes */{size}".encode())],
    )


def _invalid_argument(error: errors.InvalidArgument) -> S3Error:
    return S3Error(
        "InvalidArgument", error.reason, fields={"ArgumentName": error.name, "ArgumentValue": str(error.value)}
    )


def _bad_digest(error: errors.BadDigest) -> S3Error:
    if error.header.lower() == "x-amz-content-sha256":
        return S3Error(
            "XAmzContentSHA256Mismatch",
            fields={
                "ClientComputedContentSHA256": error.expected,
                "S3ComputedContentSHA256": error.computed,
            },
        )
    return S3Error("BadDigest", fields={"ExpectedDigest": _hex(error.expected), "CalculatedDigest": error.computed})


def _hex(digest_base64: str) -> str:
    """AWS names the expected MD5 in hex and the computed one in base64."""
    try:
        return base64.b64decode(digest_base64, validate=True).hex()
    except binascii.Error:
        return digest_base64


def _entity_too_small(error: errors.EntityTooSmall) -> S3Error:
    return S3Error(
        "EntityTooSmall",
        fields={
            "ProposedSize": str(error.size_bytes),
            "MinSizeAllowed": str(error.minimum_bytes),
            "PartNumber": str(error.part_number),
        },
    )


def _unavailable(code: str) -> Callable[[Any], S3Error]:
    """Says nothing of the inside: which database or shard is away is for the log."""
    return _plain(code)


TRANSLATIONS: dict[type[errors.DomainError], Callable[[Any], S3Error]] = {
    errors.NoSuchBucket: _bucket("NoSuchBucket"),
    errors.NoSuchKey: _no_such_key,
    errors.NoSuchVersion: _no_such_version,
    errors.NoSuchUpload: lambda error: S3Error("NoSuchUpload", fields={"UploadId": error.upload_id}),
    errors.NoSuchResource: _told("InvalidRequest"),
    errors.AccessDenied: _plain("AccessDenied"),
    errors.InvalidCredential: lambda error: S3Error("InvalidAccessKeyId", fields={"AWSAccessKeyId": error.access_key}),
    errors.InvalidToken: _plain("InvalidToken"),
    errors.BucketAlreadyExists: _bucket("BucketAlreadyExists"),
    errors.BucketAlreadyOwnedByYou: _bucket("BucketAlreadyOwnedByYou"),
    errors.BucketNotEmpty: _bucket("BucketNotEmpty"),
    errors.OperationAborted: _plain("OperationAborted"),
    errors.VersioningImmutable: _plain("InvalidBucketState"),
    errors.AlreadyExists: _told("OperationAborted"),
    errors.InUse: _told("OperationAborted"),
    errors.PreconditionFailed: lambda error: S3Error("PreconditionFailed", fields={"Condition": error.condition}),
    errors.NotModified: _not_modified,
    errors.InvalidRange: _invalid_range,
    errors.InvalidArgument: _invalid_argument,
    errors.InvalidBucketName: lambda error: S3Error(
        "InvalidBucketName", fields={"BucketName": error.bucket, "Reason": error.reason}
    ),
    errors.InvalidKey: lambda error: S3Error("InvalidArgument", error.reason, fields={"ArgumentName": "key"}),
    errors.KeyTooLong: lambda error: S3Error(
        "KeyTooLongError", fields={"Size": str(error.size_bytes), "MaxSizeAllowed": str(error.limit_bytes)}
    ),
    errors.MetadataTooLarge: lambda error: S3Error(
        "MetadataTooLarge", fields={"Size": str(error.size_bytes), "MaxSizeAllowed": str(error.limit_bytes)}
    ),
    errors.BadDigest: _bad_digest,
    errors.ChecksumMismatch: lambda error: S3Error(
        "BadDigest", f"The {error.algorithm.upper()} you specified did not match the calculated checksum."
    ),
    errors.IncompleteBody: lambda error: S3Error(
        "IncompleteBody",
        fields={
            "NumberBytesExpected": "" if error.expected_bytes is None else str(error.expected_bytes),
            "NumberBytesProvided": str(error.received_bytes),
        },
    ),
    errors.EntityTooLarge: lambda error: S3Error(
        "EntityTooLarge", fields={"ProposedSize": str(error.size_bytes), "MaxSizeAllowed": str(error.limit_bytes)}
    ),
    errors.EntityTooSmall: _entity_too_small,
    errors.InvalidPart: lambda error: S3Error("InvalidPart", fields={"PartNumber": str(error.part_number)}),
    errors.InvalidPartOrder: _plain("InvalidPartOrder"),
    errors.MarkerNotAllowed: _marker_not_allowed,
    errors.InvalidContinuationToken: lambda error: S3Error(
        "InvalidArgument",
        "The continuation token provided is incorrect",
        fields={"ArgumentName": "continuation-token"},
    ),
    errors.QuotaExceeded: _told("QuotaExceeded"),
    errors.TooManyBuckets: _plain("TooManyBuckets"),
    errors.ObjectLocked: lambda error: S3Error(
        "AccessDenied", "Access Denied because object protected by object lock."
    ),
    errors.Overloaded: _plain("SlowDown"),
    errors.QuorumNotReached: _unavailable("ServiceUnavailable"),
    errors.StorageFull: _plain("InsufficientStorage"),
    errors.ObjectDamaged: _unavailable("ServiceUnavailable"),
    errors.MetadataUnavailable: _unavailable("ServiceUnavailable"),
    errors.EncryptionKeyMissing: _unavailable("ServiceUnavailable"),
}
