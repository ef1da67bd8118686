from __future__ import annotations

from typing import Any

from tests.support.s3_node import S3Node, refusal


def test_the_region_is_named(s3_node: S3Node, s3: Any, bucket: str) -> None:
    reply = s3.head_bucket(Bucket=bucket)
    assert reply["BucketRegion"] == s3_node.main.region
    assert reply["AccessPointAlias"] is False


def test_absent_and_foreign(s3_node: S3Node, s3: Any, bucket: str) -> None:
    assert refusal(s3.head_bucket, Bucket="there-is-no-such-bucket") == (404, "404")
    assert refusal(s3_node.other.s3().head_bucket, Bucket=bucket) == (403, "403")
    assert refusal(s3_node.nobody.s3().head_bucket, Bucket=bucket) == (403, "403")
