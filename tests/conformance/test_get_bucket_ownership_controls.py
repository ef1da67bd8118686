from __future__ import annotations

from typing import Any

from tests.support.s3_node import S3Node, refusal


def test_what_is_in_force(s3_node: S3Node, s3: Any, bucket: str) -> None:
    reply = s3.get_bucket_ownership_controls(Bucket=bucket)
    assert reply["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert refusal(s3.get_bucket_ownership_controls, Bucket="there-is-no-such-bucket") == (404, "NoSuchBucket")
    assert refusal(s3_node.other.s3().get_bucket_ownership_controls, Bucket=bucket) == (403, "AccessDenied")
