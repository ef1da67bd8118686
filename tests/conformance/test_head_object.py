from __future__ import annotations

from typing import Any

from tests.support.s3_node import S3Node, refusal


def test_the_headers_of_a_get_without_its_body(s3_node: S3Node, s3: Any, bucket: str) -> None:
    for key, size in (("inline", 100), ("shards", 300_000), ("empty", 0)):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x" * size, ContentType="text/plain", Metadata={"a": "1"})
        get, head = s3_node.main.raw("GET", f"/{bucket}/{key}"), s3_node.main.raw("HEAD", f"/{bucket}/{key}")
        ignored = {"date", "x-amz-request-id"}
        assert {n: v for n, v in get.headers.items() if n not in ignored} == {
            n: v for n, v in head.headers.items() if n not in ignored
        }
        assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(size))


def test_checksums_are_told_when_asked_for(s3: Any, bucket: str) -> None:
    put = s3.put_object(Bucket=bucket, Key="key", Body=b"hello world", ChecksumAlgorithm="SHA256")
    assert "ChecksumSHA256" not in s3.head_object(Bucket=bucket, Key="key")
    reply = s3.head_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
    assert (reply["ChecksumSHA256"], reply["ChecksumType"]) == (put["ChecksumSHA256"], "FULL_OBJECT")


def test_a_range(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="key", Body=b"x" * 1000)
    reply = s3.head_object(Bucket=bucket, Key="key", Range="bytes=10-19")
    assert (reply["ContentLength"], reply["ContentRange"]) == (10, "bytes 10-19/1000")
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_errors_have_no_body(s3_node: S3Node, s3: Any, bucket: str, versioned: str) -> None:
    assert refusal(s3.head_object, Bucket=bucket, Key="none") == (404, "404")
    assert refusal(s3_node.other.s3().head_object, Bucket=bucket, Key="none") == (403, "403")
    s3.put_object(Bucket=versioned, Key="k", Body=b"x")
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    reply = s3_node.main.raw("HEAD", f"/{versioned}/k")
    assert (reply.status, reply.body, reply.headers["x-amz-delete-marker"]) == (404, b"", "true")
    assert refusal(s3.head_object, Bucket=versioned, Key="k", VersionId=marker) == (405, "405")


def test_conditions(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="key", Body=b"x")["ETag"]
    assert s3.head_object(Bucket=bucket, Key="key", IfMatch=etag)["ETag"] == etag
    assert refusal(s3.head_object, Bucket=bucket, Key="key", IfNoneMatch=etag) == (304, "304")
    assert refusal(s3.head_object, Bucket=bucket, Key="key", IfMatch='"other"') == (412, "412")
