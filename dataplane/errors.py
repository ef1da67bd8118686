"""Every way the object store can refuse or fail, as one tree of exceptions with fields.

Raised inside `dataplane` and `control`; translated once per wire: `s3gateway/error_map.py`,
`dataplane/native/error_map.py`, `control/api/problems.py`. Knows no wire code and no status.

    DomainError
    |- NotFound            NoSuchBucket NoSuchKey NoSuchVersion NoSuchUpload NoSuchResource
    |- Refused             AccessDenied InvalidCredential InvalidToken
    |- Conflict            BucketAlreadyExists BucketAlreadyOwnedByYou BucketNotEmpty OperationAborted
    |                      VersioningImmutable AlreadyExists InUse
    |- Unmet               PreconditionFailed NotModified InvalidRange
    |- BadInput            InvalidArgument InvalidBucketName InvalidKey KeyTooLong MetadataTooLarge
    |                      BadDigest ChecksumMismatch IncompleteBody EntityTooLarge EntityTooSmall
    |                      InvalidPart InvalidPartOrder MarkerNotAllowed InvalidContinuationToken
    |- OverLimit           QuotaExceeded TooManyBuckets ObjectLocked
    `- Unavailable         Overloaded QuorumNotReached StorageFull ObjectDamaged MetadataUnavailable
                           EncryptionKeyMissing
"""

from __future__ import annotations


class DomainError(Exception):
    """Base of the tree. `str()` is a sentence for a person: what, with which value, what to do."""


class NotFound(DomainError):
    """The named thing does not exist (or is hidden from the caller)."""


class NoSuchBucket(NotFound):
    def __init__(self, bucket: str) -> None:
        super().__init__(f"The bucket {bucket!r} does not exist.")
        self.bucket = bucket


class NoSuchKey(NotFound):
    """No current version. `delete_marker_version_id` is set where a delete marker hides the key."""

    def __init__(self, key: str, *, delete_marker_version_id: str | None = None) -> None:
        super().__init__(f"The key {key!r} does not exist.")
        self.key = key
        self.delete_marker_version_id = delete_marker_version_id


class NoSuchVersion(NotFound):
    def __init__(self, key: str, version_id: str) -> None:
        super().__init__(f"The key {key!r} has no version {version_id!r}.")
        self.key = key
        self.version_id = version_id


class NoSuchUpload(NotFound):
    def __init__(self, upload_id: str) -> None:
        super().__init__(f"The multipart upload {upload_id!r} does not exist; it may have been completed or aborted.")
        self.upload_id = upload_id


class NoSuchResource(NotFound):
    """A thing of the control plane that is not there: region, tenant, app, credential, grant, node, user."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"There is no {kind} {name!r}.")
        self.kind = kind
        self.name = name


class Refused(DomainError):
    """The caller may not do this."""


class AccessDenied(Refused):
    def __init__(self, reason: str = "Access Denied") -> None:
        super().__init__(reason)


class InvalidCredential(Refused):
    """Unknown or disabled access key, or a secret that does not match."""

    def __init__(self, access_key: str) -> None:
        super().__init__(f"The access key {access_key!r} is unknown or disabled, or its secret does not match.")
        self.access_key = access_key


class InvalidToken(Refused):
    def __init__(self, reason: str) -> None:
        super().__init__(f"The bearer token was refused: {reason}.")
        self.reason = reason


class Conflict(DomainError):
    """The state of the store does not allow this now."""


class BucketAlreadyExists(Conflict):
    def __init__(self, bucket: str) -> None:
        super().__init__(f"The bucket name {bucket!r} is taken by another tenant; choose another name.")
        self.bucket = bucket


class BucketAlreadyOwnedByYou(Conflict):
    def __init__(self, bucket: str) -> None:
        super().__init__(f"Your tenant already owns the bucket {bucket!r}.")
        self.bucket = bucket


class BucketNotEmpty(Conflict):
    def __init__(self, bucket: str) -> None:
        super().__init__(f"The bucket {bucket!r} still holds objects, versions or delete markers; delete them first.")
        self.bucket = bucket


class OperationAborted(Conflict):
    """A concurrent operation on the same thing won; the caller may try again."""

    def __init__(self, what: str) -> None:
        super().__init__(f"A conflicting operation is in progress on {what}; try again.")
        self.what = what


class VersioningImmutable(Conflict):
    def __init__(self, bucket: str) -> None:
        super().__init__(f"The bucket {bucket!r} has object lock enabled: its versioning cannot be suspended.")
        self.bucket = bucket


class AlreadyExists(Conflict):
    """A thing of the control plane whose name is taken."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"The {kind} {name!r} exists already; choose another name.")
        self.kind = kind
        self.name = name


class InUse(Conflict):
    """A thing of the control plane that others still depend on. `dependents` says which, for a person."""

    def __init__(self, kind: str, name: str, dependents: str) -> None:
        super().__init__(f"The {kind} {name!r} still has {dependents}; delete them first.")
        self.kind = kind
        self.name = name
        self.dependents = dependents


class Unmet(DomainError):
    """A condition or a range that the caller sent does not hold."""


class PreconditionFailed(Unmet):
    def __init__(self, condition: str) -> None:
        super().__init__(f"The condition {condition!r} does not hold.")
        self.condition = condition


class NotModified(Unmet):
    """A conditional read whose answer is: unchanged. Carries what the reply's headers need."""

    def __init__(self, etag: str, last_modified_epoch_seconds: float) -> None:
        super().__init__("Not modified.")
        self.etag = etag
        self.last_modified_epoch_seconds = last_modified_epoch_seconds


class InvalidRange(Unmet):
    def __init__(self, requested: str, actual_size_bytes: int) -> None:
        super().__init__(f"The range {requested!r} is not satisfiable: the object has {actual_size_bytes} bytes.")
        self.requested = requested
        self.actual_size_bytes = actual_size_bytes


class BadInput(DomainError):
    """The request itself is wrong; nothing was stored."""


class InvalidArgument(BadInput):
    def __init__(self, name: str, value: object, reason: str) -> None:
        super().__init__(f"{name} = {value!r}: {reason}")
        self.name = name
        self.value = value
        self.reason = reason


class InvalidBucketName(BadInput):
    def __init__(self, bucket: str, reason: str) -> None:
        super().__init__(f"{bucket!r} is not a bucket name: {reason}")
        self.bucket = bucket
        self.reason = reason


class InvalidKey(BadInput):
    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key!r} is not an object key: {reason}")
        self.key = key
        self.reason = reason


class KeyTooLong(BadInput):
    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"The key has {size_bytes} bytes of UTF-8; at most {limit_bytes} are allowed.")
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class MetadataTooLarge(BadInput):
    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"The user metadata has {size_bytes} bytes; at most {limit_bytes} are allowed.")
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class BadDigest(BadInput):
    """Content-MD5 or x-amz-content-sha256 does not match the body. `header` names which."""

    def __init__(self, header: str, expected: str, computed: str) -> None:
        super().__init__(f"{header} says {expected}, but the body received has {computed}.")
        self.header = header
        self.expected = expected
        self.computed = computed


class ChecksumMismatch(BadInput):
    def __init__(self, algorithm: str, expected: str, computed: str) -> None:
        super().__init__(
            f"Value for x-amz-checksum-{algorithm} header is invalid: sent {expected}, computed {computed}."
        )
        self.algorithm = algorithm
        self.expected = expected
        self.computed = computed


class IncompleteBody(BadInput):
    def __init__(self, expected_bytes: int | None, received_bytes: int) -> None:
        super().__init__(f"The body ended after {received_bytes} bytes; {expected_bytes} were announced.")
        self.expected_bytes = expected_bytes
        self.received_bytes = received_bytes


class EntityTooLarge(BadInput):
    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"The body has {size_bytes} bytes; at most {limit_bytes} are allowed in one request.")
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class EntityTooSmall(BadInput):
    def __init__(self, part_number: int, size_bytes: int, minimum_bytes: int) -> None:
        super().__init__(f"Part {part_number} has {size_bytes} bytes; every part but the last needs {minimum_bytes}.")
        self.part_number = part_number
        self.size_bytes = size_bytes
        self.minimum_bytes = minimum_bytes


class InvalidPart(BadInput):
    def __init__(self, part_number: int, reason: str) -> None:
        super().__init__(f"Part {part_number} cannot be used: {reason}")
        self.part_number = part_number
        self.reason = reason


class InvalidPartOrder(BadInput):
    def __init__(self) -> None:
        super().__init__("The list of parts was not in ascending order of part number.")


class MarkerNotAllowed(BadInput):
    """The named version is a delete marker, which has no body."""

    def __init__(self, key: str, version_id: str) -> None:
        super().__init__(f"Version {version_id!r} of {key!r} is a delete marker; it can only be deleted.")
        self.key = key
        self.version_id = version_id


class InvalidContinuationToken(BadInput):
    def __init__(self) -> None:
        super().__init__("The continuation token was not issued by this store; start the listing again.")


class OverLimit(DomainError):
    """A limit set by an administrator or a lock forbids this."""


class QuotaExceeded(OverLimit):
    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"{what} is limited to {limit}.")
        self.what = what
        self.limit = limit


class TooManyBuckets(OverLimit):
    def __init__(self, limit: int) -> None:
        super().__init__(f"This tenant may have at most {limit} buckets.")
        self.limit = limit


class ObjectLocked(OverLimit):
    def __init__(self, key: str, version_id: str) -> None:
        super().__init__(f"Version {version_id!r} of {key!r} is protected by object lock.")
        self.key = key
        self.version_id = version_id


class Unavailable(DomainError):
    """The store cannot do this now; the caller should try again later."""


class Overloaded(Unavailable):
    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is at its limit; slow down and try again.")
        self.what = what


class QuorumNotReached(Unavailable):
    def __init__(self, reached: int, needed: int, reason: str) -> None:
        super().__init__(f"Only {reached} of the {needed} shards needed are durable: {reason}")
        self.reached = reached
        self.needed = needed
        self.reason = reason


class StorageFull(Unavailable):
    def __init__(self, needed_bytes: int) -> None:
        super().__init__(f"No store has room for another {needed_bytes} bytes; free space or add a store.")
        self.needed_bytes = needed_bytes


class ObjectDamaged(Unavailable):
    """Fewer good shards than the profile needs. Nothing is deleted: the missing ones may come back."""

    def __init__(self, blob_id: str, good: int, needed: int) -> None:
        super().__init__(f"Blob {blob_id} has {good} readable shards and needs {needed}.")
        self.blob_id = blob_id
        self.good = good
        self.needed = needed


class MetadataUnavailable(Unavailable):
    def __init__(self, reason: str) -> None:
        super().__init__(f"The metadata database does not answer: {reason}")
        self.reason = reason


class EncryptionKeyMissing(Unavailable):
    """Something was sealed under a server key that this node was not given."""

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"The server key {key_id!r} is not in the key ring; give it to the node among its previous encryption keys."
        )
        self.key_id = key_id
