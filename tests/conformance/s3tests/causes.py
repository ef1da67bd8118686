"""Why cases of ceph/s3-tests fail here: rules for what many share, remarks for single ones. Pure."""

from __future__ import annotations

import re

_NOT_SERVED = (
    ("lifecycle rules", r"BucketLifecycle"),
    ("bucket policies", r"BucketPolicy"),
    ("the public access block", r"PublicAccessBlock"),
    ("ownership controls other than BucketOwnerEnforced", r"OwnershipControls|x-amz-object-ownership"),
    ("bucket logging", r"BucketLogging"),
    ("CORS rules", r"BucketCors"),
    ("tags of buckets", r"BucketTagging"),
    ("object lock documents", r"ObjectLockConfiguration|ObjectRetention|ObjectLegalHold"),
    ("default encryption of buckets", r"BucketEncryption"),
    ("keys of the client (SSE-C)", r"SSE-C"),
    ("keys of a key service (SSE-KMS)", r"KMS|aws:kms"),
    ("uploads by HTML form", r"PostObject|POST"),
    ("restoring from cold tiers", r"RestoreObject|InvalidStorageClass"),
    ("notifications", r"BucketNotification"),
    ("website hosting", r"BucketWebsite"),
    ("torrents", r"GetObjectTorrent"),
    ("ACLs other than the owner's", r"AccessControlListNotSupported|WithObjectOwnership|Put(Bucket|Object)Acl"),
)
_RULES = tuple((f"Not served: {feature}", re.compile(pattern)) for feature, pattern in _NOT_SERVED)
_REFUSED = re.compile(r"NotImplemented|AccessControlListNotSupported|WithObjectOwnership|InvalidStorageClass")
_OF_AREA = {
    "IAM": "Another service: IAM",
    "STS": "Another service: STS",
    "SNS": "Another service: SNS",
    "S3 Select": "Not served: SELECT",
    "POST object": "Not served: uploads by HTML form",
    "bucket logging": "Not served: bucket logging",
    "lifecycle": "Not served: lifecycle rules",
    "CORS": "Not served: CORS rules",
    "policy": "Not served: bucket policies",
    "public access": "Not served: the public access block",
    "object lock": "Not served: object lock documents",
    "ACL": "Not served: ACLs other than the owner's",
}
"""For cases that see the refusal of what their area is about only as a wrong status or a missing value."""

REMARKS: dict[str, str] = {}


def cause_of(area: str, name: str, markers: frozenset[str], why: str) -> str:
    """What failed cases share, or "" where one needs a look of its own."""
    if REMARKS.get(name.partition("[")[0]):
        return ""
    if "auth_aws2" in markers:
        return "Refused by name: Signature Version 2 in the Authorization header"
    if _REFUSED.search(why):
        for cause, pattern in _RULES:
            if pattern.search(why):
                return cause
    return _OF_AREA.get(area, "")
