"""Read-only sub-resources of buckets that nobody can configure yet: answered as S3 does where nothing is configured.

Tools ask for them before they do anything else. Only what is true without anything stored is answered here; writing
one is refused by name. Must not know: anything but the bucket's record.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from s3gateway.errors import S3Error
from s3gateway.operations.call import Call, Response, xml_response
from s3gateway.shapes.configuration import (
    empty_document,
    encryption_document,
    object_lock_document,
    ownership_document,
    policy_status_document,
    public_read_policy,
    request_payment_document,
)

_Handler = Callable[[Call], Awaitable[Response]]

_JSON: Final = (b"content-type", b"application/json")


def _absent(code: str) -> _Handler:
    """Nothing is configured and S3 has an error code for that."""

    async def handler(call: Call) -> Response:
        raise S3Error(code, fields={"BucketName": call.bucket.name})

    return handler


def _fixed(document: bytes) -> _Handler:
    """Nothing is configured and S3 answers with a document that says so."""

    async def handler(_call: Call) -> Response:
        return xml_response(document)

    return handler


get_bucket_cors = _absent("NoSuchCORSConfiguration")
get_bucket_lifecycle_configuration = _absent("NoSuchLifecycleConfiguration")
get_bucket_replication = _absent("ReplicationConfigurationNotFoundError")
get_bucket_tagging = _absent("NoSuchTagSet")
get_bucket_website = _absent("NoSuchWebsiteConfiguration")
get_public_access_block = _absent("NoSuchPublicAccessBlockConfiguration")

get_bucket_accelerate_configuration = _fixed(empty_document("AccelerateConfiguration"))
get_bucket_logging = _fixed(empty_document("BucketLoggingStatus"))
get_bucket_notification_configuration = _fixed(empty_document("NotificationConfiguration"))
get_bucket_ownership_controls = _fixed(ownership_document())
get_bucket_request_payment = _fixed(request_payment_document())


async def get_bucket_encryption(call: Call) -> Response:
    if not call.settings.encrypts_at_rest:
        raise S3Error("ServerSideEncryptionConfigurationNotFoundError", fields={"BucketName": call.bucket.name})
    return xml_response(encryption_document())


async def get_object_lock_configuration(call: Call) -> Response:
    if not call.bucket.object_lock:
        raise S3Error("ObjectLockConfigurationNotFoundError", fields={"BucketName": call.bucket.name})
    return xml_response(object_lock_document())


async def get_bucket_policy(call: Call) -> Response:
    """The public-read switch is the only policy there is, so far; it is shown as what it amounts to."""
    if not call.bucket.public_read:
        raise S3Error("NoSuchBucketPolicy", fields={"BucketName": call.bucket.name})
    return Response(200, [_JSON], public_read_policy(call.bucket.name))


async def get_bucket_policy_status(call: Call) -> Response:
    if not call.bucket.public_read:
        raise S3Error("NoSuchBucketPolicy", fields={"BucketName": call.bucket.name})
    return xml_response(policy_status_document(public=True))
