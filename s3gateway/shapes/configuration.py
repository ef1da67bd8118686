"""Documents that say what holds for a bucket nobody has configured: ACL, encryption, policy and the like. Pure."""

from __future__ import annotations

import json
from typing import Final

from s3gateway.shapes.buckets import write_owner
from s3gateway.xml.writer import XmlWriter

XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"


def empty_document(root: str) -> bytes:
    return XmlWriter(root).document()


def owner_acl_document(owner: str) -> bytes:
    """`AccessControlPolicy`: full control for the owner and nothing else, which is all that disabled ACLs can say."""
    xml = XmlWriter("AccessControlPolicy")
    write_owner(xml, owner)
    xml.open("AccessControlList")
    xml.open("Grant")
    xml.open("Grantee", f' xmlns:xsi="{XSI}" xsi:type="CanonicalUser"')
    xml.text("ID", owner)
    xml.text("DisplayName", owner)
    xml.close("Grantee")
    xml.text("Permission", "FULL_CONTROL")
    xml.close("Grant")
    xml.close("AccessControlList")
    return xml.document()


def encryption_document() -> bytes:
    """`ServerSideEncryptionConfiguration`: SSE-S3 for everything, without bucket keys."""
    xml = XmlWriter("ServerSideEncryptionConfiguration")
    xml.open("Rule")
    xml.open("ApplyServerSideEncryptionByDefault")
    xml.text("SSEAlgorithm", "AES256")
    xml.close("ApplyServerSideEncryptionByDefault")
    xml.flag("BucketKeyEnabled", value=False)
    xml.close("Rule")
    return xml.document()


def ownership_document() -> bytes:
    """`OwnershipControls`: ACLs are disabled, the bucket's owner owns every object."""
    xml = XmlWriter("OwnershipControls")
    xml.open("Rule")
    xml.text("ObjectOwnership", "BucketOwnerEnforced")
    xml.close("Rule")
    return xml.document()


def object_lock_document() -> bytes:
    """`ObjectLockConfiguration` of a bucket made with object lock and without a default retention."""
    xml = XmlWriter("ObjectLockConfiguration")
    xml.text("ObjectLockEnabled", "Enabled")
    return xml.document()


def request_payment_document() -> bytes:
    xml = XmlWriter("RequestPaymentConfiguration")
    xml.text("Payer", "BucketOwner")
    return xml.document()


def policy_status_document(*, public: bool) -> bytes:
    xml = XmlWriter("PolicyStatus")
    xml.flag("IsPublic", public)
    return xml.document()


def public_read_policy(bucket: str) -> bytes:
    """The policy that a bucket's public-read switch amounts to, as JSON."""
    statement = {
        "Sid": "PublicRead",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":")).encode()
