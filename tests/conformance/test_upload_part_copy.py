from __future__ import annotations

import hashlib
from typing import Any

from tests.conformance.multipart_uploads import PART_BYTES, start
from tests.support.s3_node import refusal


def source_of(s3: Any, bucket: str, body: bytes) -> dict[str, str]:
    s3.put_object(Bucket=bucket, Key="from", Body=body)
    return {"Bucket": bucket, "Key": "from"}


def test_ranges_of_a_source(s3: Any, bucket: str) -> None:
    body = bytes(range(256)) * 45_000
    source = source_of(s3, bucket, body)
    upload = start(s3, bucket, "to")
    borders = [(0, PART_BYTES + 1), (PART_BYTES + 1, len(body) - 3)]
    parts = []
    for number, (first, stop) in enumerate(borders, start=1):
        reply = s3.upload_part_copy(
            **upload.address, PartNumber=number, CopySource=source, CopySourceRange=f"bytes={first}-{stop - 1}"
        )
        assert reply["CopyPartResult"]["ETag"] == f'"{hashlib.md5(body[first:stop]).hexdigest()}"'
        parts.append({"PartNumber": number, "ETag": reply["CopyPartResult"]["ETag"]})
    upload.parts = parts
    upload.complete()
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == body[: len(body) - 3]


def test_a_whole_source_and_its_fate(s3: Any, bucket: str) -> None:
    """A whole object as a part shares its bytes: the source may go."""
    body = b"shared" * 300_000
    source = source_of(s3, bucket, body)
    upload = start(s3, bucket, "to", algorithm="CRC32C")
    reply = s3.upload_part_copy(**upload.address, PartNumber=1, CopySource=source)["CopyPartResult"]
    s3.delete_object(Bucket=bucket, Key="from")
    upload.parts = [{"PartNumber": 1, "ETag": reply["ETag"], "ChecksumCRC32C": reply["ChecksumCRC32C"]}]
    upload.complete()
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == body


def test_a_multipart_source(s3: Any, bucket: str) -> None:
    made = start(s3, bucket, "from")
    made.part(1, b"a" * PART_BYTES)
    made.part(2, b"b" * 1000)
    made.complete()
    upload = start(s3, bucket, "to")
    source = {"Bucket": bucket, "Key": "from"}
    border = PART_BYTES - 5
    reply = s3.upload_part_copy(
        **upload.address, PartNumber=1, CopySource=source, CopySourceRange=f"bytes={border}-{border + 9}"
    )
    upload.parts = [{"PartNumber": 1, "ETag": reply["CopyPartResult"]["ETag"]}]
    upload.complete()
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == b"aaaaabbbbb"


def test_an_inline_source(s3: Any, bucket: str) -> None:
    source = source_of(s3, bucket, b"small source")
    upload = start(s3, bucket, "to")
    reply = s3.upload_part_copy(**upload.address, PartNumber=1, CopySource=source, CopySourceRange="bytes=6-11")
    upload.parts = [{"PartNumber": 1, "ETag": reply["CopyPartResult"]["ETag"]}]
    upload.complete()
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == b"source"


def test_refusals(s3: Any, bucket: str) -> None:
    source = source_of(s3, bucket, b"0123456789")
    upload = start(s3, bucket, "to")
    copy = {**upload.address, "PartNumber": 1, "CopySource": source}
    for wrong in ("bytes=0-10", "bytes=5-2", "0-2", "bytes=2-"):
        assert refusal(s3.upload_part_copy, **copy, CopySourceRange=wrong) == (400, "InvalidArgument")
    assert refusal(s3.upload_part_copy, **{**copy, "UploadId": "none"}) == (404, "NoSuchUpload")
    assert refusal(s3.upload_part_copy, **copy, CopySourceIfMatch='"x"') == (412, "PreconditionFailed")
    assert refusal(s3.upload_part_copy, **{**copy, "CopySource": {"Bucket": bucket, "Key": "none"}})[0] == 404
