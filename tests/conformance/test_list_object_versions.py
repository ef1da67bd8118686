from __future__ import annotations

from typing import Any

import pytest

from tests.support.s3_node import S3Node, refusal


@pytest.fixture
def history(s3: Any, bucket: str) -> list[tuple[str, str]]:
    """(key, version id), as a listing must have them: keys in order, newest first within a key."""
    s3.put_object(Bucket=bucket, Key="a", Body=b"null")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    second = s3.put_object(Bucket=bucket, Key="a", Body=b"second")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="a")["VersionId"]
    other = s3.put_object(Bucket=bucket, Key="b/1", Body=b"x")["VersionId"]
    last = s3.put_object(Bucket=bucket, Key="b/1", Body=b"y")["VersionId"]
    return [("a", marker), ("a", second), ("a", "null"), ("b/1", last), ("b/1", other)]


def rows_of(page: Any) -> list[tuple[str, str]]:
    rows = page.get("Versions", []) + page.get("DeleteMarkers", [])
    return [(row["Key"], row["VersionId"]) for row in rows]


def test_versions_and_markers(s3: Any, bucket: str, history: list[tuple[str, str]]) -> None:
    page = s3.list_object_versions(Bucket=bucket)
    assert [(row["Key"], row["VersionId"]) for row in page["DeleteMarkers"]] == history[:1]
    assert [(row["Key"], row["VersionId"]) for row in page["Versions"]] == history[1:]
    assert [row["IsLatest"] for row in page["Versions"]] == [False, False, True, False]
    assert [row["Size"] for row in page["Versions"]] == [6, 4, 1, 1]
    assert page["Versions"][0]["Owner"]["ID"]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_pages(s3: Any, bucket: str, history: list[tuple[str, str]], size: int) -> None:
    seen: list[tuple[str, str]] = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": size}):
        rows = rows_of(page)
        assert len(rows) <= size
        seen += sorted(rows, key=history.index)
    assert seen == history


def test_prefixes(s3: Any, bucket: str, history: list[tuple[str, str]]) -> None:
    page = s3.list_object_versions(Bucket=bucket, Delimiter="/")
    assert {key for key, _ in rows_of(page)} == {"a"}
    assert [row["Prefix"] for row in page["CommonPrefixes"]] == ["b/"]
    assert rows_of(s3.list_object_versions(Bucket=bucket, Prefix="b/")) == history[3:]
    assert rows_of(s3.list_object_versions(Bucket=bucket, KeyMarker="a")) == history[3:]


def test_refusals(s3_node: S3Node, s3: Any, bucket: str) -> None:
    assert refusal(s3.list_object_versions, Bucket=bucket, VersionIdMarker="x") == (400, "InvalidArgument")
    assert refusal(s3_node.other.s3().list_object_versions, Bucket=bucket) == (403, "AccessDenied")
