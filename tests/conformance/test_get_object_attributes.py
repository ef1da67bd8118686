from __future__ import annotations

from typing import Any

from tests.conformance.multipart_uploads import PART_BYTES, start
from tests.support.s3_node import S3Node, refusal

ALL = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]


def test_a_single_object(s3: Any, bucket: str) -> None:
    put = s3.put_object(Bucket=bucket, Key="key", Body=b"hello", ChecksumAlgorithm="SHA256")
    reply = s3.get_object_attributes(Bucket=bucket, Key="key", ObjectAttributes=ALL)
    assert (reply["ETag"], reply["ObjectSize"], reply["StorageClass"]) == (put["ETag"].strip('"'), 5, "STANDARD")
    assert reply["Checksum"] == {"ChecksumSHA256": put["ChecksumSHA256"], "ChecksumType": "FULL_OBJECT"}
    assert "ObjectParts" not in reply
    assert reply["LastModified"] == s3.head_object(Bucket=bucket, Key="key")["LastModified"]


def test_parts(s3: Any, bucket: str) -> None:
    upload = start(s3, bucket, algorithm="SHA256")
    upload.part(1, b"a" * PART_BYTES)
    upload.part(4, b"b" * 10)
    upload.complete()
    reply = s3.get_object_attributes(Bucket=bucket, Key="key", ObjectAttributes=ALL)
    parts = reply["ObjectParts"]
    assert (parts["TotalPartsCount"], parts["IsTruncated"]) == (2, False)
    assert [(part["PartNumber"], part["Size"]) for part in parts["Parts"]] == [(1, PART_BYTES), (2, 10)]
    assert [part["ChecksumSHA256"] for part in parts["Parts"]] == [part["ChecksumSHA256"] for part in upload.parts]
    page = s3.get_object_attributes(
        Bucket=bucket, Key="key", ObjectAttributes=["ObjectParts"], MaxParts=1, PartNumberMarker=1
    )["ObjectParts"]
    assert [part["PartNumber"] for part in page["Parts"]] == [2]
    assert (page["PartNumberMarker"], page["NextPartNumberMarker"], page["MaxParts"]) == (1, 2, 1)


def test_versions_and_refusals(s3_node: S3Node, s3: Any, versioned: str) -> None:
    first = s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket=versioned, Key="k", Body=b"22")
    named = {"Bucket": versioned, "Key": "k", "VersionId": first, "ObjectAttributes": ["ObjectSize"]}
    reply = s3.get_object_attributes(**named)
    assert (reply["ObjectSize"], reply["VersionId"]) == (1, first)
    assert refusal(s3.get_object_attributes, **{**named, "Key": "none"})[0] == 404
    assert refusal(s3.get_object_attributes, **{**named, "ObjectAttributes": ["Nonsense"]}) == (400, "InvalidArgument")
    assert refusal(s3_node.other.s3().get_object_attributes, **named) == (403, "AccessDenied")
