from __future__ import annotations

from typing import Any

from tests.support.s3_node import S3Node, refusal


def test_what_is_in_force(s3_node: S3Node, s3: Any, bucket: str) -> None:
    reply = s3.get_bucket_acl(Bucket=bucket)
    assert [grant["Permission"] for grant in reply["Grants"]] == ["FULL_CONTROL"]
    assert refusal(s3.get_bucket_acl, Bucket="there-is-no-such-bucket") == (404, "NoSuchBucket")
    assert refusal(s3_node.other.s3().get_bucket_acl, Bucket=bucket) == (403, "AccessDenied")
