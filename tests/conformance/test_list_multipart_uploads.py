from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.multipart_uploads import start
from tests.support.s3_node import S3Node, refusal

KEYS = ["a", "a", "b/1", "b/2", "c"]


@pytest.mark.parametrize("size", [1, 2, 4, 1000])
def test_pages(s3: Any, bucket: str, size: int) -> None:
    ids = {start(s3, bucket, key).id for key in KEYS}
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
    rows = [row for page in pages for row in page.get("Uploads", [])]
    assert [row["Key"] for row in rows] == KEYS
    assert {row["UploadId"] for row in rows} == ids
    assert all(row["Initiated"] and row["Initiator"]["ID"] and row["StorageClass"] == "STANDARD" for row in rows)


def test_prefixes(s3: Any, bucket: str) -> None:
    for key in KEYS:
        start(s3, bucket, key)
    page = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [row["Key"] for row in page["Uploads"]] == ["a", "a", "c"]
    assert [row["Prefix"] for row in page["CommonPrefixes"]] == ["b/"]
    page = s3.list_multipart_uploads(Bucket=bucket, Prefix="b/")
    assert [row["Key"] for row in page["Uploads"]] == ["b/1", "b/2"]
    page = s3.list_multipart_uploads(Bucket=bucket, KeyMarker="b/1")
    assert [row["Key"] for row in page["Uploads"]] == ["b/2", "c"]


def test_refusals(s3_node: S3Node, s3: Any, bucket: str) -> None:
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    assert refusal(s3_node.other.s3().list_multipart_uploads, Bucket=bucket) == (403, "AccessDenied")
