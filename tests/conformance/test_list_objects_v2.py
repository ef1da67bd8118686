from __future__ import annotations

from typing import Any

import pytest

from tests.support.s3_node import S3Node, refusal

KEYS = ["a", "b/1", "b/2", "b/c/3", "d", "e/4"]
ODD_KEYS = ["", " ", "+", "%20", "&", "<x>", "a\nb", "é", "\uffee", "\U0001f600", "~", "\x7f"]


def fill(s3: Any, bucket: str, keys: list[str]) -> None:
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")


def keys_of(page: Any) -> list[str]:
    return [row["Key"] for row in page.get("Contents", [])]


def prefixes_of(page: Any) -> list[str]:
    return [row["Prefix"] for row in page.get("CommonPrefixes", [])]


def test_rows_say_what_a_head_says(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello", StorageClass="STANDARD_IA")
    (row,) = s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"]
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (row["ETag"], row["Size"], row["StorageClass"]) == (head["ETag"], 5, "STANDARD_IA")
    assert row["LastModified"].replace(microsecond=0) == head["LastModified"]
    assert (row["ChecksumAlgorithm"], row["ChecksumType"]) == (["CRC32"], "FULL_OBJECT")
    assert row["Owner"]["ID"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_pages(s3: Any, bucket: str, size: int) -> None:
    fill(s3, bucket, KEYS)
    for prefix, delimiter, expected in (
        ("", "", KEYS),
        ("", "/", ["a", "b/", "d", "e/"]),
        ("b/", "/", ["b/1", "b/2", "b/c/"]),
        ("b", "/", ["b/"]),
        ("b/", "c/", ["b/1", "b/2", "b/c/"]),
        ("none", "/", []),
    ):
        seen: list[str] = []
        for page in s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix, Delimiter=delimiter, PaginationConfig={"PageSize": size}
        ):
            rows = sorted(keys_of(page) + prefixes_of(page))
            assert page["KeyCount"] == len(rows) <= size
            seen += rows
        assert seen == expected, (prefix, delimiter)


def test_keys_come_in_the_order_of_their_bytes(s3: Any, bucket: str) -> None:
    keys = [f"k{odd}" for odd in ODD_KEYS]
    fill(s3, bucket, keys)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 3})
    assert [key for page in pages for key in keys_of(page)] == sorted(keys, key=str.encode)


def test_start_after(s3: Any, bucket: str) -> None:
    fill(s3, bucket, KEYS)
    page = s3.list_objects_v2(Bucket=bucket, StartAfter="b/2", MaxKeys=1)
    assert (keys_of(page), page["StartAfter"]) == (["b/c/3"], "b/2")
    page = s3.list_objects_v2(Bucket=bucket, StartAfter="b/2", ContinuationToken=page["NextContinuationToken"])
    assert keys_of(page) == ["d", "e/4"]
    assert keys_of(s3.list_objects_v2(Bucket=bucket, StartAfter="b", Delimiter="/")) == ["d"]


def test_a_listing_sees_every_write_at_once(s3: Any, bucket: str) -> None:
    for number in range(20):
        s3.put_object(Bucket=bucket, Key=f"k{number:02d}", Body=b"x")
        assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == number + 1
    for number in range(20):
        s3.delete_object(Bucket=bucket, Key=f"k{number:02d}")
        assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 19 - number


def test_refusals_and_limits(s3_node: S3Node, s3: Any, bucket: str) -> None:
    assert refusal(s3.list_objects_v2, Bucket=bucket, ContinuationToken="nonsense") == (400, "InvalidArgument")
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["IsTruncated"] is False
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=100_000)["MaxKeys"] == 1000
    for stranger in (s3_node.other, s3_node.nobody):
        assert refusal(stranger.s3().list_objects_v2, Bucket=bucket) == (403, "AccessDenied")
