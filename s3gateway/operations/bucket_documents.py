"""Configuration documents that clients read and nobody can set yet: each answers what is in force.

Tools ask for them before they do anything else; "there is none" or the default is the truth, NotImplemented is not.
"""

from __future__ import annotations

from s3gateway.errors import S3Error
from s3gateway.operations.call import Call, Response, xml_response
from s3gateway.shapes.acl import acl_document
from s3gateway.xml.writer import XmlWriter


def _absent(call: Call, code: str) -> S3Error:
    return S3Error(code, fields={"BucketName": call.bucket.name})


def _empty(root: str) -> Response:
    return xml_response(XmlWriter(root).document())


async def get_bucket_acl(call: Call) -> Response:
    """GetBucketAcl: the tenant's FULL_CONTROL. Public read is of objects, not of the listing."""
    return xml_response(acl_document(call.bucket.tenant_name, public_read=False))


async def get_bucket_accelerate_configuration(call: Call) -> Response:
    """GetBucketAccelerateConfiguration: never set."""
    return _empty("AccelerateConfiguration")


async def get_bucket_cors(call: Call) -> Response:
    """GetBucketCors: none."""
    raise _absent(call, "NoSuchCORSConfiguration")


async def get_bucket_lifecycle_configuration(call: Call) -> Response:
    """GetBucketLifecycleConfiguration: none."""
    raise _absent(call, "NoSuchLifecycleConfiguration")


async def get_bucket_logging(call: Call) -> Response:
    """GetBucketLogging: off."""
    return _empty("BucketLoggingStatus")


async def get_bucket_notification_configuration(call: Call) -> Response:
    """GetBucketNotificationConfiguration: none."""
    return _empty("NotificationConfiguration")


async def get_object_lock_configuration(call: Call) -> Response:
    """GetObjectLockConfiguration: enabled at the bucket's creation or not at all; no default retention."""
    if not call.bucket.object_lock:
        raise _absent(call, "ObjectLockConfigurationNotFoundError")
    xml = XmlWriter("ObjectLockConfiguration")
    xml.text("ObjectLockEnabled", "Enabled")
    return xml_response(xml.document())


async def get_bucket_ownership_controls(call: Call) -> Response:
    """GetBucketOwnershipControls: the bucket's owner owns every object."""
    xml = XmlWriter("OwnershipControls")
    xml.open("Rule")
    xml.text("ObjectOwnership", "BucketOwnerEnforced")
    xml.close("Rule")
    return xml_response(xml.document())


async def get_bucket_policy(call: Call) -> Response:
    """GetBucketPolicy: none."""
    raise _absent(call, "NoSuchBucketPolicy")


async def get_bucket_policy_status(call: Call) -> Response:
    """GetBucketPolicyStatus: whether anyone may read the bucket's objects."""
    xml = XmlWriter("PolicyStatus")
    xml.flag("IsPublic", call.bucket.public_read)
    return xml_response(xml.document())


async def get_public_access_block(call: Call) -> Response:
    """GetPublicAccessBlock: none."""
    raise _absent(call, "NoSuchPublicAccessBlockConfiguration")


async def get_bucket_replication(call: Call) -> Response:
    """GetBucketReplication: none."""
    raise _absent(call, "ReplicationConfigurationNotFoundError")


async def get_bucket_request_payment(call: Call) -> Response:
    """GetBucketRequestPayment: always the owner."""
    xml = XmlWriter("RequestPaymentConfiguration")
    xml.text("Payer", "BucketOwner")
    return xml_response(xml.document())


async def get_bucket_tagging(call: Call) -> Response:
    """GetBucketTagging: none."""
    raise _absent(call, "NoSuchTagSet")


async def get_bucket_website(call: Call) -> Response:
    """GetBucketWebsite: none."""
    raise _absent(call, "NoSuchWebsiteConfiguration")


async def get_bucket_encryption(call: Call) -> Response:
    """GetBucketEncryption: SSE-S3 for everything, unless the node stores plainly."""
    if not call.settings.encrypts_at_rest:
        raise _absent(call, "ServerSideEncryptionConfigurationNotFoundError")
    xml = XmlWriter("ServerSideEncryptionConfiguration")
    xml.open("Rule")
    xml.open("ApplyServerSideEncryptionByDefault")
    xml.text("SSEAlgorithm", "AES256")
    xml.close("ApplyServerSideEncryptionByDefault")
    xml.flag("BucketKeyEnabled", False)
    xml.close("Rule")
    return xml_response(xml.document())
