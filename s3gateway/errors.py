"""S3's error table: code -> HTTP status and default message, and `S3Error`, the one exception the wire knows. Pure.

Codes, statuses and messages are AWS's (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and
what the service really answers). Codes of our own are marked. Must not know: domain errors (see `error_map.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple


class ErrorKind(NamedTuple):
    status: int
    message: str


_TABLE: dict[str, ErrorKind] = {
    "AccessControlListNotSupported": ErrorKind(400, "The bucket does not allow ACLs"),
    "AccessDenied": ErrorKind(403, "Access Denied"),
    "AccessForbidden": ErrorKind(403, "CORSResponse: CORS is not enabled for this bucket."),
    "AuthorizationHeaderMalformed": ErrorKind(400, "The authorization header you provided is invalid."),
    "AuthorizationQueryParametersError": ErrorKind(
        400, "The authorization query parameters that you provided are not valid."
    ),
    "BadDigest": ErrorKind(400, "The Content-MD5 you specified did not match what we received."),
    "BadRequest": ErrorKind(400, "Bad Request"),
    "BucketAlreadyExists": ErrorKind(
        409,
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
        "Please select a different name and try again.",
    ),
    "BucketAlreadyOwnedByYou": ErrorKind(
        409, "Your previous request to create the named bucket succeeded and you already own it."
    ),
    "BucketNotEmpty": ErrorKind(409, "The bucket you tried to delete is not empty"),
    "ConditionalRequestConflict": ErrorKind(
        409, "The conditional request cannot succeed due to a conflicting operation against this resource."
    ),
    "EntityTooLarge": ErrorKind(400, "Your proposed upload exceeds the maximum allowed size"),
    "EntityTooSmall": ErrorKind(400, "Your proposed upload is smaller than the minimum allowed size"),
    "IllegalLocationConstraintException": ErrorKind(
        400,
        "The specified location constraint is incompatible for the region specific endpoint this request was sent to.",
    ),
    "IllegalVersioningConfigurationException": ErrorKind(
        400, "The Versioning element must be specified as Enabled or Suspended"
    ),
    "IncompleteBody": ErrorKind(
        400, "You did not provide the number of bytes specified by the Content-Length HTTP header"
    ),
    "InsufficientStorage": ErrorKind(507, "The store has no room for this request."),  # ours: AWS never fills up
    "InternalError": ErrorKind(500, "We encountered an internal error. Please try again."),
    "InvalidAccessKeyId": ErrorKind(403, "The AWS Access Key Id you provided does not exist in our records."),
    "InvalidArgument": ErrorKind(400, "Invalid Argument"),
    "InvalidBucketAclWithObjectOwnership": ErrorKind(
        400, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
    ),
    "InvalidBucketName": ErrorKind(400, "The specified bucket is not valid."),
    "InvalidBucketState": ErrorKind(
        409,
        "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
    ),
    "InvalidChunkSizeError": ErrorKind(400, "Only the last chunk is allowed to have a size less than 8192 bytes"),
    "InvalidDigest": ErrorKind(400, "The Content-MD5 you specified was invalid."),
    "InvalidEncryptionAlgorithmError": ErrorKind(400, "The Encryption request you specified is not valid."),
    "InvalidLocationConstraint": ErrorKind(400, "The specified location-constraint is not valid"),
    "InvalidObjectState": ErrorKind(403, "The operation is not valid for the object's storage class"),
    "InvalidPart": ErrorKind(
        400,
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified "
        "entity tag may not match the part's entity tag.",
    ),
    "InvalidPartNumber": ErrorKind(416, "The requested partnumber is not satisfiable"),
    "InvalidPartOrder": ErrorKind(
        400, "The list of parts was not in ascending order. Parts must be ordered by part number."
    ),
    "InvalidRange": ErrorKind(416, "The requested range is not satisfiable"),
    "InvalidRedirectLocation": ErrorKind(
        400, "The website redirect location must have a prefix of 'http://' or 'https://' or '/'."
    ),
    "InvalidRequest": ErrorKind(400, "Invalid Request"),
    "InvalidStorageClass": ErrorKind(400, "The storage class you specified is not valid"),
    "InvalidTag": ErrorKind(
        400, "The tag provided was not a valid tag. This error can occur if the tag did not pass input validation."
    ),
    "InvalidToken": ErrorKind(400, "The provided token is malformed or otherwise invalid."),
    "InvalidURI": ErrorKind(400, "Couldn't parse the specified URI."),
    "KeyTooLongError": ErrorKind(400, "Your key is too long"),
    "MalformedTrailerError": ErrorKind(
        400, "The request contained trailing data that was not well-formed or did not conform to our published schema."
    ),
    "MalformedXML": ErrorKind(
        400, "The XML you provided was not well-formed or did not validate against our published schema"
    ),
    "MaxMessageLengthExceeded": ErrorKind(400, "Your request was too big."),
    "MetadataTooLarge": ErrorKind(400, "Your metadata headers exceed the maximum allowed metadata size"),
    "MethodNotAllowed": ErrorKind(405, "The specified method is not allowed against this resource."),
    "MissingContentLength": ErrorKind(411, "You must provide the Content-Length HTTP header."),
    "MissingRequestBodyError": ErrorKind(400, "Request Body is empty"),
    "MissingSecurityHeader": ErrorKind(400, "Your request was missing a required header."),
    "NoSuchBucket": ErrorKind(404, "The specified bucket does not exist"),
    "NoSuchBucketPolicy": ErrorKind(404, "The bucket policy does not exist"),
    "NoSuchCORSConfiguration": ErrorKind(404, "The CORS configuration does not exist"),
    "NoSuchKey": ErrorKind(404, "The specified key does not exist."),
    "NoSuchLifecycleConfiguration": ErrorKind(404, "The lifecycle configuration does not exist"),
    "NoSuchObjectLockConfiguration": ErrorKind(404, "The specified object does not have a ObjectLock configuration"),
    "NoSuchPublicAccessBlockConfiguration": ErrorKind(404, "The public access block configuration was not found"),
    "NoSuchTagSet": ErrorKind(404, "The TagSet does not exist"),
    "NoSuchUpload": ErrorKind(
        404,
        "The specified multipart upload does not exist. The upload ID may be invalid, or the upload may have been "
        "aborted or completed.",
    ),
    "NoSuchVersion": ErrorKind(404, "The specified version does not exist."),
    "NoSuchWebsiteConfiguration": ErrorKind(404, "The specified bucket does not have a website configuration"),
    "NotImplemented": ErrorKind(501, "A header you provided implies functionality that is not implemented"),
    "NotModified": ErrorKind(304, "Not Modified"),
    "ObjectLockConfigurationNotFoundError": ErrorKind(404, "Object Lock configuration does not exist for this bucket"),
    "OperationAborted": ErrorKind(
        409, "A conflicting conditional operation is currently in progress against this resource. Please try again."
    ),
    "OwnershipControlsNotFoundError": ErrorKind(404, "The bucket ownership controls were not found"),
    "PermanentRedirect": ErrorKind(
        301,
        "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all "
        "future requests to this endpoint.",
    ),
    "PreconditionFailed": ErrorKind(412, "At least one of the pre-conditions you specified did not hold"),
    "QuotaExceeded": ErrorKind(403, "The quota set by the administrator is exceeded."),  # ours, as Ceph has it
    "ReplicationConfigurationNotFoundError": ErrorKind(404, "The replication configuration was not found"),
    "RequestHeaderSectionTooLarge": ErrorKind(400, "Your request header section exceeds the maximum allowed size."),
    "RequestTimeTooSkewed": ErrorKind(
        403, "The difference between the request time and the current time is too large."
    ),
    "RequestTimeout": ErrorKind(
        400,
        "Your socket connection to the server was not read from or written to within the timeout period. "
        "Idle connections will be closed.",
    ),
    "ServerSideEncryptionConfigurationNotFoundError": ErrorKind(
        404, "The server side encryption configuration was not found"
    ),
    "ServiceUnavailable": ErrorKind(503, "Service is unable to handle request."),
    "SignatureDoesNotMatch": ErrorKind(
        403,
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method.",
    ),
    "SlowDown": ErrorKind(503, "Please reduce your request rate."),
    "TooManyBuckets": ErrorKind(400, "You have attempted to create more buckets than allowed"),
    "UnauthorizedReservedNamespace": ErrorKind(  # ours
        403, "Keys that begin with _anvil/ are reserved for the store itself."
    ),
    "XAmzContentChecksumMismatch": ErrorKind(
        400, "The provided 'x-amz-checksum' header does not match what was computed."
    ),
    "XAmzContentSHA256Mismatch": ErrorKind(
        400, "The provided 'x-amz-content-sha256' header does not match what was computed."
    ),
}

ERRORS: Mapping[str, ErrorKind] = MappingProxyType(_TABLE)
"""Every code this gateway can answer."""


class S3Error(Exception):
    """A refusal or failure as the client will see it.

    `fields` become elements after Code and Message, in order; `headers` are added to the reply. A code that is not in
    the table is a programming error and raises KeyError here, not at the client.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        fields: Mapping[str, str] | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        kind = ERRORS[code]
        self.code = code
        self.status = kind.status
        self.message = message or kind.message
        self.fields: Mapping[str, str] = fields or {}
        self.headers = headers
        super().__init__(f"{code}: {self.message}")


def invalid_argument(name: str, value: str, message: str = "") -> S3Error:
    """The usual 400 that names the header or query parameter at fault."""
    return S3Error("InvalidArgument", message, fields={"ArgumentName": name, "ArgumentValue": value})


def not_implemented(what: str) -> S3Error:
    """501 for an operation or a header of S3 that this store does not serve, by name."""
    return S3Error("NotImplemented", f"{what} is not implemented by this store.", fields={"Header": what})
