from __future__ import annotations

from typing import Any

from tests.support.s3_node import S3Node, refusal


def test_everything_is_encrypted(s3_node: S3Node, s3: Any, bucket: str) -> None:
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert rule["BucketKeyEnabled"] is False
    assert refusal(s3_node.other.s3().get_bucket_encryption, Bucket=bucket) == (403, "AccessDenied")
