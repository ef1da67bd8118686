from __future__ import annotations

from typing import Any

from tests.support.s3_node import S3Node, refusal


def test_a_bucket_that_never_had_it(s3: Any, bucket: str) -> None:
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)


def test_a_bucket_that_has_it(s3: Any, versioned: str) -> None:
    assert s3.get_bucket_versioning(Bucket=versioned)["Status"] == "Enabled"


def test_refusals(s3_node: S3Node, s3: Any, bucket: str) -> None:
    assert refusal(s3.get_bucket_versioning, Bucket="there-is-no-such-bucket") == (404, "NoSuchBucket")
    assert refusal(s3_node.other.s3().get_bucket_versioning, Bucket=bucket) == (403, "AccessDenied")
