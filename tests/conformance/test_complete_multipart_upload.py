from __future__ import annotations

import base64
import hashlib
import threading
import zlib
from typing import Any

import pytest

from tests.conformance.multipart_uploads import PART_BYTES, start
from tests.support.s3_node import S3Node, refusal

PIECES = [b"a" * PART_BYTES, b"b" * (PART_BYTES + 3), b"c" * 1000]


def etag_of(pieces: list[bytes]) -> str:
    digests = b"".join(hashlib.md5(piece).digest() for piece in pieces)
    return f'"{hashlib.md5(digests).hexdigest()}-{len(pieces)}"'


def crc32(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big")


def test_the_parts_become_the_object(s3: Any, bucket: str) -> None:
    upload = start(s3, bucket)
    for number, piece in enumerate(PIECES, start=1):
        upload.part(number, piece)
    reply = upload.complete()
    assert (reply["ETag"], reply["Bucket"], reply["Key"]) == (etag_of(PIECES), bucket, "key")
    assert (reply["ChecksumType"], bool(reply["ChecksumCRC64NVME"])) == ("FULL_OBJECT", True)
    assert reply["Location"].endswith(f"/{bucket}/key")
    read = s3.get_object(Bucket=bucket, Key="key")
    assert read["Body"].read() == b"".join(PIECES)
    assert read["ETag"] == etag_of(PIECES)
    again = upload.complete()
    assert again["ETag"] == reply["ETag"]


def test_composite_and_whole_checksums(s3: Any, bucket: str) -> None:
    for kind, expected in (
        ("COMPOSITE", base64.b64encode(crc32(b"".join(map(crc32, PIECES)))).decode() + "-3"),
        ("FULL_OBJECT", base64.b64encode(crc32(b"".join(PIECES))).decode()),
    ):
        upload = start(s3, bucket, algorithm="CRC32", ChecksumType=kind)
        for number, piece in enumerate(PIECES, start=1):
            upload.part(number, piece)
        assert refusal(upload.complete, ChecksumCRC32=expected.replace(expected[:2], "zz"), ChecksumType=kind) == (
            400,
            "BadDigest",
        )
        assert refusal(upload.complete, ChecksumType="COMPOSITE" if kind == "FULL_OBJECT" else "FULL_OBJECT") == (
            400,
            "InvalidRequest",
        )
        reply = upload.complete(ChecksumCRC32=expected, ChecksumType=kind)
        assert (reply["ChecksumCRC32"], reply["ChecksumType"]) == (expected, kind)
        head = s3.head_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
        assert (head["ChecksumCRC32"], head["ChecksumType"]) == (expected, kind)


@pytest.mark.parametrize("algorithm", ["CRC32C", "SHA1", "SHA256", "CRC64NVME"])
def test_other_algorithms(s3: Any, bucket: str, algorithm: str) -> None:
    upload = start(s3, bucket, algorithm=algorithm)
    upload.part(1, PIECES[0])
    upload.part(2, PIECES[2])
    reply = upload.complete()
    assert reply[f"Checksum{algorithm}"].endswith("-2") is (algorithm != "CRC64NVME")
    # botocore compares full checksums with what it reads.
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == PIECES[0] + PIECES[2]


def test_proven_checksums_need_not_be_repeated(s3: Any, bucket: str) -> None:
    upload = start(s3, bucket, algorithm="SHA256")
    upload.part(1, b"x")
    etag, proven = upload.parts[0]["ETag"], upload.parts[0]["ChecksumSHA256"]
    other = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    upload.parts = [{"PartNumber": 1, "ETag": etag, "ChecksumSHA256": other}]
    assert refusal(upload.complete) == (400, "InvalidPart")
    upload.parts = [{"PartNumber": 1, "ETag": etag}]
    whole = base64.b64encode(hashlib.sha256(base64.b64decode(proven)).digest()).decode()
    assert upload.complete()["ChecksumSHA256"] == f"{whole}-1"


def test_parts_that_cannot_be(s3: Any, bucket: str) -> None:
    upload = start(s3, bucket)
    upload.part(1, b"small")
    upload.part(2, b"small too")
    assert refusal(upload.complete) == (400, "EntityTooSmall")
    first, second = upload.parts
    for parts, expected in (
        ([second, first], "InvalidPartOrder"),
        ([first, first], "InvalidPartOrder"),
        ([{**first, "ETag": '"other"'}], "InvalidPart"),
        ([{**first, "PartNumber": 3}], "InvalidPart"),
        ([], "MalformedXML"),
    ):
        arguments = {**upload.address, "MultipartUpload": {"Parts": parts}}
        assert refusal(s3.complete_multipart_upload, **arguments) == (400, expected)
    unknown = {**upload.address, "UploadId": "none", "MultipartUpload": {"Parts": [first]}}
    assert refusal(s3.complete_multipart_upload, **unknown) == (404, "NoSuchUpload")
    assert refusal(s3.head_object, Bucket=bucket, Key="key") == (404, "404")


def test_conditions(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="key", Body=b"there")["ETag"]
    upload = start(s3, bucket)
    upload.part(1, b"new")
    assert refusal(upload.complete, IfNoneMatch="*") == (412, "PreconditionFailed")
    assert refusal(upload.complete, IfMatch='"other"') == (412, "PreconditionFailed")
    upload.complete(IfMatch=etag)
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"new"


def test_of_many_completions_with_one_condition_one_wins(s3_node: S3Node, s3: Any, bucket: str) -> None:
    uploads = [start(s3, bucket) for _ in range(6)]
    for number, upload in enumerate(uploads):
        upload.part(1, bytes([65 + number]) * 1000)
    barrier = threading.Barrier(len(uploads))
    won: list[int] = []

    def complete(number: int) -> None:
        upload = uploads[number]
        body = (
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
            f"<ETag>{upload.parts[0]['ETag']}</ETag></Part></CompleteMultipartUpload>"
        ).encode()
        barrier.wait()
        reply = s3_node.main.raw(
            "POST", f"/{bucket}/key", f"uploadId={upload.id}", headers={"If-None-Match": "*"}, body=body
        )
        if reply.status == 200 and not reply.code:
            won.append(number)

    threads = [threading.Thread(target=complete, args=(number,)) for number in range(len(uploads))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == bytes([65 + won[0]]) * 1000


def test_a_version_of_its_own(s3: Any, versioned: str) -> None:
    first = s3.put_object(Bucket=versioned, Key="key", Body=b"first")["VersionId"]
    upload = start(s3, versioned)
    upload.part(1, b"second")
    version = upload.complete()["VersionId"]
    assert s3.get_object(Bucket=versioned, Key="key")["VersionId"] == version
    assert s3.get_object(Bucket=versioned, Key="key", VersionId=first)["Body"].read() == b"first"
