from __future__ import annotations

from typing import Any

from tests.support.s3_node import S3Node, refusal


def tags(**pairs: str) -> dict[str, Any]:
    return {"TagSet": [{"Key": key, "Value": value} for key, value in pairs.items()]}


def test_all_tags_are_replaced(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="old=1")
    changed = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=tags(a="1", b="ü"))
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == tags(a="1", b="ü")["TagSet"]
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["TagCount"], head["LastModified"]) == (2, changed)


def test_a_named_version(s3: Any, versioned: str) -> None:
    first = s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket=versioned, Key="k", Body=b"2")
    assert s3.put_object_tagging(Bucket=versioned, Key="k", VersionId=first, Tagging=tags(a="1"))["VersionId"] == first
    assert s3.get_object_tagging(Bucket=versioned, Key="k", VersionId=first)["TagSet"] == tags(a="1")["TagSet"]
    assert s3.get_object_tagging(Bucket=versioned, Key="k")["TagSet"] == []


def test_refusals(s3_node: S3Node, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for wrong in (
        tags(**{f"k{number}": "v" for number in range(11)}),
        tags(**{"k" * 129: "v"}),
        tags(k="v" * 257),
        tags(**{"aws:k": "v"}),
        {"TagSet": [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}]},
    ):
        assert refusal(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging=wrong) == (400, "InvalidTag")
    assert refusal(s3.put_object_tagging, Bucket=bucket, Key="none", Tagging=tags()) == (404, "NoSuchKey")
    assert refusal(s3_node.other.s3().put_object_tagging, Bucket=bucket, Key="k", Tagging=tags())[0] == 403
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
