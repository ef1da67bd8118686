from __future__ import annotations

from typing import Any

from tests.support.s3_node import S3Node, refusal


def test_the_region(s3_node: S3Node, s3: Any, bucket: str) -> None:
    expected = None if s3_node.main.region == "us-east-1" else s3_node.main.region
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == expected


def test_absent_and_foreign(s3_node: S3Node, s3: Any, bucket: str) -> None:
    assert refusal(s3.get_bucket_location, Bucket="there-is-no-such-bucket") == (404, "NoSuchBucket")
    assert refusal(s3_node.other.s3().get_bucket_location, Bucket=bucket) == (403, "AccessDenied")
