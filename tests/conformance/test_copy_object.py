from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.s3_node import S3Node, refusal


@pytest.mark.parametrize("size", [0, 100, 300_000, (2 << 20) + 7])
def test_bytes_and_attributes_are_copied(s3: Any, bucket: str, new_bucket: Callable[[], str], size: int) -> None:
    body = b"0123456789" * (size // 10) + b"x" * (size % 10)
    put = s3.put_object(
        Bucket=bucket, Key="from", Body=body, ContentType="text/plain", Metadata={"a": "1"}, Tagging="t=1"
    )
    for destination in (bucket, new_bucket()):
        reply = s3.copy_object(Bucket=destination, Key="to", CopySource={"Bucket": bucket, "Key": "from"})
        assert reply["CopyObjectResult"]["ETag"] == put["ETag"]
        assert reply["CopyObjectResult"]["ChecksumCRC32"] == put["ChecksumCRC32"]
        read = s3.get_object(Bucket=destination, Key="to")
        assert read["Body"].read() == body
        assert (read["ContentType"], read["Metadata"], read["TagCount"]) == ("text/plain", {"a": "1"}, 1)


def test_a_copy_outlives_its_source(s3: Any, bucket: str) -> None:
    """Copies share their bytes: deleting one must not take them from the other."""
    body = b"shared" * 100_000
    s3.put_object(Bucket=bucket, Key="from", Body=body)
    s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "from"})
    s3.delete_object(Bucket=bucket, Key="from")
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == body
    s3.copy_object(Bucket=bucket, Key="again", CopySource={"Bucket": bucket, "Key": "to"})
    s3.put_object(Bucket=bucket, Key="to", Body=b"other")
    assert s3.get_object(Bucket=bucket, Key="again")["Body"].read() == body


def test_directives(s3: Any, bucket: str) -> None:
    source = {"Bucket": bucket, "Key": "from"}
    s3.put_object(Bucket=bucket, Key="from", Body=b"x", Metadata={"a": "1"}, Tagging="t=1", ContentType="text/plain")
    s3.copy_object(
        Bucket=bucket, Key="to", CopySource=source, MetadataDirective="REPLACE", Metadata={"b": "2"},
        ContentType="text/html",
    )  # fmt: skip
    made = s3.head_object(Bucket=bucket, Key="to")
    assert (made["Metadata"], made["ContentType"], made["TagCount"]) == ({"b": "2"}, "text/html", 1)
    s3.copy_object(Bucket=bucket, Key="to", CopySource=source, TaggingDirective="REPLACE", Tagging="x=1&y=2")
    made = s3.head_object(Bucket=bucket, Key="to")
    assert (made["Metadata"], made["TagCount"]) == ({"a": "1"}, 2)


def test_onto_itself(s3: Any, bucket: str, versioned: str) -> None:
    source = {"Bucket": bucket, "Key": "k"}
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"a": "1"})
    assert refusal(s3.copy_object, Bucket=bucket, Key="k", CopySource=source) == (400, "InvalidRequest")
    s3.copy_object(Bucket=bucket, Key="k", CopySource=source, MetadataDirective="REPLACE", Metadata={"a": "2"})
    reply = s3.get_object(Bucket=bucket, Key="k")
    assert (reply["Metadata"], reply["Body"].read()) == ({"a": "2"}, b"x")
    # An old version becomes the current one: how S3 restores.
    first = s3.put_object(Bucket=versioned, Key="k", Body=b"old")["VersionId"]
    s3.put_object(Bucket=versioned, Key="k", Body=b"new")
    source = {"Bucket": versioned, "Key": "k", "VersionId": first}
    reply = s3.copy_object(Bucket=versioned, Key="k", CopySource=source)
    assert reply["CopySourceVersionId"] == first
    assert reply["VersionId"] not in (None, first)
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"old"


@pytest.mark.parametrize("key", ["a b+c", "ä/ö//ü", "100%", "q?x=1&versionId=2", "..", "x/"])
def test_sources_with_odd_names(s3: Any, bucket: str, key: str) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=b"odd")
    s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": key})
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == b"odd"


def test_conditions(s3: Any, bucket: str) -> None:
    source = {"Bucket": bucket, "Key": "from"}
    etag = s3.put_object(Bucket=bucket, Key="from", Body=b"x")["ETag"]
    copy = {"Bucket": bucket, "Key": "to", "CopySource": source}
    assert refusal(s3.copy_object, **copy, CopySourceIfMatch='"other"') == (412, "PreconditionFailed")
    assert refusal(s3.copy_object, **copy, CopySourceIfNoneMatch=etag) == (412, "PreconditionFailed")
    s3.copy_object(**copy, CopySourceIfMatch=etag, IfNoneMatch="*")
    assert refusal(s3.copy_object, **copy, IfNoneMatch="*") == (412, "PreconditionFailed")


@pytest.mark.parametrize("algorithm", ["CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_a_new_checksum(s3: Any, bucket: str, algorithm: str) -> None:
    body = b"checked" * 50_000
    s3.put_object(Bucket=bucket, Key="from", Body=body)
    want = s3.put_object(Bucket=bucket, Key="want", Body=body, ChecksumAlgorithm=algorithm)[f"Checksum{algorithm}"]
    source = {"Bucket": bucket, "Key": "from"}
    reply = s3.copy_object(Bucket=bucket, Key="to", CopySource=source, ChecksumAlgorithm=algorithm)
    assert reply["CopyObjectResult"][f"Checksum{algorithm}"] == want
    assert s3.head_object(Bucket=bucket, Key="to", ChecksumMode="ENABLED")[f"Checksum{algorithm}"] == want


def test_sources_that_cannot_be(s3_node: S3Node, s3: Any, bucket: str) -> None:
    for source, expected in (
        ({"Bucket": bucket, "Key": "none"}, (404, "NoSuchKey")),
        ({"Bucket": "there-is-no-such-bucket", "Key": "k"}, (404, "NoSuchBucket")),
        ({"Bucket": bucket, "Key": "_anvil/k"}, (403, "UnauthorizedReservedNamespace")),
        (f"/{bucket}", (400, "InvalidArgument")),
    ):
        assert refusal(s3.copy_object, Bucket=bucket, Key="to", CopySource=source) == expected
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    theirs = s3_node.other.s3()
    their_bucket = f"theirs-{uuid.uuid4().hex}"
    theirs.create_bucket(Bucket=their_bucket)
    source = {"Bucket": bucket, "Key": "k"}
    assert refusal(theirs.copy_object, Bucket=their_bucket, Key="to", CopySource=source) == (403, "AccessDenied")
