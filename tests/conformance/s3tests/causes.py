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
_OF_NAME = (
    ("Not served: uploads by HTML form", re.compile(r"post_object")),
    ("Not served: keys of the client (SSE-C)", re.compile(r"sse_c|_conflict_c_")),
    ("Not served: keys of a key service (SSE-KMS)", re.compile(r"kms")),
    ("Not served: torrents", re.compile(r"torrent")),
)
"""The same, where the area is wider than what is refused."""

_HEADER_COMES_BACK = (
    "The suite cannot take this header away, botocore puts it back, so a good request arrives (`fails_on_rgw` too)."
)
_CEPH_ONLY = "Asks for a header or parameter that only Ceph has."
_PART_BEYOND = "Wants Ceph's 400 `InvalidPart` for a part that is not there; AWS answers 416 `InvalidPartNumber`."
_NEGATIVE_EXPIRY = "Wants 403; AWS answers 400 `AuthorizationQueryParametersError` to an X-Amz-Expires out of range."
_MARKER_IS_NOTHING = (
    "Wants a delete marker to be compared like an object; here that is a delete of nothing: 204 (`fails_on_aws` too)."
)

REMARKS: dict[str, str] = {
    "test_object_create_bad_contentlength_none": _HEADER_COMES_BACK,
    "test_object_create_bad_authorization_empty": _HEADER_COMES_BACK,
    "test_object_create_bad_authorization_none": _HEADER_COMES_BACK,
    "test_bucket_create_bad_authorization_empty": _HEADER_COMES_BACK,
    "test_bucket_create_bad_authorization_none": _HEADER_COMES_BACK,
    "test_bucket_put_bad_canned_acl": "PutBucketAcl is not served, so it answers 501 before it looks at the ACL.",
    "test_bucket_list_unordered": _CEPH_ONLY,
    "test_bucket_listv2_unordered": _CEPH_ONLY,
    "test_account_usage": _CEPH_ONLY,
    "test_head_bucket_usage": _CEPH_ONLY,
    "test_bucket_head_extended": _CEPH_ONLY,
    "test_list_buckets_anonymous": "An unsigned `GET /` asks for the health of the node, it lists no buckets.",
    "test_object_set_get_unicode_metadata": (
        "Wants raw Latin-1 back (`fails_on_rgw` too); AWS answers metadata that is not ASCII as RFC 2047 words."
    ),
    "test_object_read_unreadable": "Wants 400 for a key that is valid UTF-8 (`fails_on_rgw` too): 404.",
    "test_object_raw_put_authenticated_expired": _NEGATIVE_EXPIRY,
    "test_multipart_copy_invalid_range": (
        "Wants `InvalidRange`; AWS answers 400 `InvalidArgument` to a copy range that ends beyond the source."
    ),
    "test_multipart_get_part": _PART_BEYOND,
    "test_multipart_single_get_part": _PART_BEYOND,
    "test_non_multipart_get_part": _PART_BEYOND,
    "test_multipart_resend_first_finishes_last": (
        "Completes with the same part number twice; AWS wants ascending numbers and answers `InvalidPartOrder`."
    ),
    "test_delete_marker_nonversioned": "Wants `x-amz-delete-marker: false`, which AWS never sends.",
    "test_delete_object_current_if_match": _MARKER_IS_NOTHING,
    "test_delete_object_current_if_match_last_modified_time": _MARKER_IS_NOTHING,
    "test_delete_object_current_if_match_size": _MARKER_IS_NOTHING,
    "test_delete_objects_current_if_match": _MARKER_IS_NOTHING,
    "test_delete_objects_current_if_match_last_modified_time": _MARKER_IS_NOTHING,
    "test_delete_objects_current_if_match_size": _MARKER_IS_NOTHING,
    "test_get_bucket_encryption_s3": "Wants none by default; here, as at AWS since 2023, every bucket has SSE-S3.",
    "test_create_bucket_no_ownership_controls": (
        "Wants none by default; here, as at AWS since 2023, buckets are BucketOwnerEnforced (`fails_on_aws`)."
    ),
}


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
    if area in _OF_AREA:
        return _OF_AREA[area]
    return next((cause for cause, pattern in _OF_NAME if pattern.search(name)), "")
