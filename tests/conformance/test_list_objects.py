from __future__ import annotations

from typing import Any

from tests.support.s3_node import S3Node, refusal

KEYS = ["a", "b/1", "b/2", "b/c/3", "d", "e/4"]


def fill(s3: Any, bucket: str, keys: list[str] = KEYS) -> None:
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")


def test_markers_and_common_prefixes(s3: Any, bucket: str) -> None:
    fill(s3, bucket)
    page = s3.list_objects(Bucket=bucket, Delimiter="/", MaxKeys=2)
    assert [row["Key"] for row in page["Contents"]] == ["a"]
    assert [row["Prefix"] for row in page["CommonPrefixes"]] == ["b/"]
    assert (page["IsTruncated"], page["NextMarker"], page["MaxKeys"]) == (True, "b/", 2)
    assert page["Contents"][0]["Owner"]["ID"]
    page = s3.list_objects(Bucket=bucket, Delimiter="/", MaxKeys=2, Marker="b/")
    assert [row["Key"] for row in page["Contents"]] == ["d"]
    assert [row["Prefix"] for row in page["CommonPrefixes"]] == ["e/"]
    assert (page["IsTruncated"], page["Marker"]) == (False, "b/")


def test_every_page_size_joins_to_the_whole(s3: Any, bucket: str) -> None:
    fill(s3, bucket)
    for size in (1, 2, 3, 5, 6, 7):
        for delimiter, expected in (("", KEYS), ("/", ["a", "b/", "d", "e/"])):
            pages = s3.get_paginator("list_objects").paginate(
                Bucket=bucket, Delimiter=delimiter, PaginationConfig={"PageSize": size}
            )
            seen: list[str] = []
            for page in pages:
                rows = [row["Key"] for row in page.get("Contents", [])]
                rows += [row["Prefix"] for row in page.get("CommonPrefixes", [])]
                assert len(rows) <= size
                seen += sorted(rows)
            assert seen == expected, (size, delimiter)


def test_a_marker_need_not_be_a_key(s3: Any, bucket: str) -> None:
    fill(s3, bucket)
    assert [row["Key"] for row in s3.list_objects(Bucket=bucket, Marker="b/11")["Contents"]] == KEYS[2:]
    assert "Contents" not in s3.list_objects(Bucket=bucket, Marker="zzz")


def test_refusals(s3_node: S3Node, s3: Any, bucket: str) -> None:
    assert refusal(s3.list_objects, Bucket=bucket, MaxKeys=-1) == (400, "InvalidArgument")
    reply = s3_node.main.raw("GET", f"/{bucket}", "max-keys=many")
    assert (reply.status, reply.code) == (400, "InvalidArgument")
    assert refusal(s3_node.nobody.s3().list_objects, Bucket=bucket) == (403, "AccessDenied")
