"""Domain errors as gRPC statuses: the one translation of the native API. Pure.

Every class of `dataplane/errors.py` is here by name, so that a new one has to be thought about (a test counts them).
"""

from __future__ import annotations

from grpc import StatusCode

from dataplane import errors

STATUSES: dict[type[errors.DomainError], StatusCode] = {
    errors.DomainError: StatusCode.UNKNOWN,
    # The thing is not there, or hidden
    errors.NotFound: StatusCode.NOT_FOUND,
    errors.NoSuchBucket: StatusCode.NOT_FOUND,
    errors.NoSuchKey: StatusCode.NOT_FOUND,
    errors.NoSuchVersion: StatusCode.NOT_FOUND,
    errors.NoSuchUpload: StatusCode.NOT_FOUND,
    errors.NoSuchResource: StatusCode.NOT_FOUND,
    # Who asks, and may they
    errors.Refused: StatusCode.PERMISSION_DENIED,
    errors.AccessDenied: StatusCode.PERMISSION_DENIED,
    errors.InvalidCredential: StatusCode.UNAUTHENTICATED,
    errors.InvalidToken: StatusCode.UNAUTHENTICATED,
    # The state forbids it: ABORTED may be tried again, FAILED_PRECONDITION not before the state has changed
    errors.Conflict: StatusCode.FAILED_PRECONDITION,
    errors.BucketAlreadyExists: StatusCode.ALREADY_EXISTS,
    errors.BucketAlreadyOwnedByYou: StatusCode.ALREADY_EXISTS,
    errors.BucketNotEmpty: StatusCode.FAILED_PRECONDITION,
    errors.OperationAborted: StatusCode.ABORTED,
    errors.VersioningImmutable: StatusCode.FAILED_PRECONDITION,
    errors.AlreadyExists: StatusCode.ALREADY_EXISTS,
    errors.InUse: StatusCode.FAILED_PRECONDITION,
    # Conditions
    errors.Unmet: StatusCode.FAILED_PRECONDITION,
    errors.PreconditionFailed: StatusCode.FAILED_PRECONDITION,
    errors.NotModified: StatusCode.FAILED_PRECONDITION,
    errors.InvalidRange: StatusCode.OUT_OF_RANGE,
    # The request itself
    errors.BadInput: StatusCode.INVALID_ARGUMENT,
    errors.InvalidArgument: StatusCode.INVALID_ARGUMENT,
    errors.InvalidBucketName: StatusCode.INVALID_ARGUMENT,
    errors.InvalidKey: StatusCode.INVALID_ARGUMENT,
    errors.KeyTooLong: StatusCode.INVALID_ARGUMENT,
    errors.MetadataTooLarge: StatusCode.INVALID_ARGUMENT,
    errors.BadDigest: StatusCode.INVALID_ARGUMENT,
    errors.ChecksumMismatch: StatusCode.INVALID_ARGUMENT,
    errors.IncompleteBody: StatusCode.INVALID_ARGUMENT,
    errors.EntityTooLarge: StatusCode.INVALID_ARGUMENT,
    errors.EntityTooSmall: StatusCode.INVALID_ARGUMENT,
    errors.InvalidPart: StatusCode.INVALID_ARGUMENT,
    errors.InvalidPartOrder: StatusCode.INVALID_ARGUMENT,
    errors.MarkerNotAllowed: StatusCode.INVALID_ARGUMENT,
    errors.InvalidContinuationToken: StatusCode.INVALID_ARGUMENT,
    # Limits and locks
    errors.OverLimit: StatusCode.RESOURCE_EXHAUSTED,
    errors.QuotaExceeded: StatusCode.RESOURCE_EXHAUSTED,
    errors.TooManyBuckets: StatusCode.RESOURCE_EXHAUSTED,
    errors.ObjectLocked: StatusCode.PERMISSION_DENIED,
    # Not now
    errors.Unavailable: StatusCode.UNAVAILABLE,
    errors.Overloaded: StatusCode.RESOURCE_EXHAUSTED,
    errors.QuorumNotReached: StatusCode.UNAVAILABLE,
    errors.StorageFull: StatusCode.RESOURCE_EXHAUSTED,
    errors.ObjectDamaged: StatusCode.DATA_LOSS,
    errors.MetadataUnavailable: StatusCode.UNAVAILABLE,
    errors.EncryptionKeyMissing: StatusCode.FAILED_PRECONDITION,
}

ERROR_NAME_KEY = "anvil-error"
"""Trailing metadata: the error's name, for programs; the status's details are for people."""


def status_of(error: errors.DomainError) -> StatusCode:
    """The status of the error's class, or of its nearest ancestor."""
    for kind in type(error).__mro__:
        if kind in STATUSES:
            return STATUSES[kind]
    return StatusCode.UNKNOWN
