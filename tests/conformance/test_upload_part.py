from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.conformance.multipart_uploads import PART_BYTES, start
from tests.support.s3_node import S3Node, refusal


@pytest.mark.parametrize("algorithm", ["", "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_a_part_of_every_checksum(s3: Any, bucket: str, algorithm: str) -> None:
    upload = start(s3, bucket, algorithm=algorithm)
    body = b"part" * 100_000
    reply = upload.part(1, body)
    assert reply["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert reply["ServerSideEncryption"] == "AES256"
    upload.complete()
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == body


def test_a_part_again_replaces_the_first(s3: Any, bucket: str) -> None:
    upload = start(s3, bucket)
    upload.part(1, b"first" * 100_000)
    upload.part(1, b"second")
    assert [part["Size"] for part in s3.list_parts(**upload.address)["Parts"]] == [6]
    upload.complete()
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"second"


def test_parts_in_any_order(s3: Any, bucket: str) -> None:
    upload = start(s3, bucket)
    pieces = {3: b"c", 1: b"a" * PART_BYTES, 2: b"b" * PART_BYTES}
    for number, piece in pieces.items():
        upload.part(number, piece)
    upload.complete()
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == pieces[1] + pieces[2] + pieces[3]


def test_refusals(s3_node: S3Node, s3: Any, bucket: str) -> None:
    upload = start(s3, bucket, algorithm="SHA256")
    for number in (0, 10001):
        assert refusal(s3.upload_part, **upload.address, PartNumber=number, Body=b"x") == (400, "InvalidArgument")
    unknown = {**upload.address, "UploadId": "none"}
    assert refusal(s3.upload_part, **unknown, PartNumber=1, Body=b"x") == (404, "NoSuchUpload")
    other_key = {**upload.address, "Key": "other"}
    assert refusal(s3.upload_part, **other_key, PartNumber=1, Body=b"x") == (404, "NoSuchUpload")
    # boto3 sends a CRC32 by itself: not what this upload was made with.
    assert refusal(s3.upload_part, **upload.address, PartNumber=1, Body=b"x") == (400, "InvalidRequest")
    stranger = s3_node.other.s3()
    assert refusal(stranger.upload_part, **upload.address, PartNumber=1, Body=b"x") == (403, "AccessDenied")


def test_a_spoiled_part_is_not_kept(s3_node: S3Node, s3: Any, bucket: str) -> None:
    upload = start(s3, bucket)
    for size in (10, 1 << 20):
        reply = s3_node.main.raw(
            "PUT", f"/{bucket}/key", f"partNumber=1&uploadId={upload.id}", body=b"x" * size, wire_body=b"y" * size
        )
        assert (reply.status, reply.code) == (400, "XAmzContentSHA256Mismatch")
    assert "Parts" not in s3.list_parts(**upload.address)
