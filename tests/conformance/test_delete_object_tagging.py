from __future__ import annotations

from typing import Any

from tests.support.s3_node import S3Node, refusal


def test_all_tags_go(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b=2")
    reply = s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    assert "TagCount" not in s3.head_object(Bucket=bucket, Key="k")


def test_refusals(s3_node: S3Node, s3: Any, bucket: str) -> None:
    assert refusal(s3.delete_object_tagging, Bucket=bucket, Key="none") == (404, "NoSuchKey")
    assert refusal(s3_node.other.s3().delete_object_tagging, Bucket=bucket, Key="k") == (403, "AccessDenied")
