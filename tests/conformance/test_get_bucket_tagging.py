from __future__ import annotations

from typing import Any

from tests.support.s3_node import S3Node, refusal


def test_there_is_none(s3_node: S3Node, s3: Any, bucket: str) -> None:
    assert refusal(s3.get_bucket_tagging, Bucket=bucket) == (404, "NoSuchTagSet")
    assert refusal(s3.get_bucket_tagging, Bucket="there-is-no-such-bucket") == (404, "NoSuchBucket")
    assert refusal(s3_node.other.s3().get_bucket_tagging, Bucket=bucket) == (403, "AccessDenied")
