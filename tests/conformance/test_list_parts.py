from __future__ import annotations

from typing import Any

from tests.conformance.multipart_uploads import start
from tests.support.s3_node import S3Node, refusal


def test_parts_by_pages(s3_node: S3Node, s3: Any, bucket: str) -> None:
    upload = start(s3, bucket, algorithm="CRC32C", StorageClass="STANDARD_IA")
    for number in (1, 2, 5, 10000):
        upload.part(number, b"x" * number)
    page = s3.list_parts(**upload.address, MaxParts=3)
    assert [part["PartNumber"] for part in page["Parts"]] == [1, 2, 5]
    assert [part["Size"] for part in page["Parts"]] == [1, 2, 5]
    assert [part["ChecksumCRC32C"] for part in page["Parts"]] == [part["ChecksumCRC32C"] for part in upload.parts[:3]]
    assert (page["IsTruncated"], page["NextPartNumberMarker"]) == (True, 5)
    assert (page["StorageClass"], page["ChecksumAlgorithm"]) == ("STANDARD_IA", "CRC32C")
    assert page["Owner"]["ID"] == page["Initiator"]["ID"]
    rest = s3.list_parts(**upload.address, PartNumberMarker=5)
    assert ([part["PartNumber"] for part in rest["Parts"]], rest["IsTruncated"]) == ([10000], False)
    pages = s3.get_paginator("list_parts").paginate(**upload.address, PaginationConfig={"PageSize": 1})
    assert [part["PartNumber"] for page in pages for part in page["Parts"]] == [1, 2, 5, 10000]
    assert refusal(s3_node.other.s3().list_parts, **upload.address) == (403, "AccessDenied")
    assert refusal(s3.list_parts, **{**upload.address, "UploadId": "none"}) == (404, "NoSuchUpload")
