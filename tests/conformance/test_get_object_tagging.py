from __future__ import annotations

from typing import Any

from tests.support.s3_node import S3Node, refusal


def test_tags_of_a_put(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b=zwei%20drei")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [
        {"Key": "a", "Value": "1"},
        {"Key": "b", "Value": "zwei drei"},
    ]
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


def test_refusals(s3_node: S3Node, s3: Any, bucket: str) -> None:
    assert refusal(s3.get_object_tagging, Bucket=bucket, Key="none") == (404, "NoSuchKey")
    assert refusal(s3_node.other.s3().get_object_tagging, Bucket=bucket, Key="k") == (403, "AccessDenied")
