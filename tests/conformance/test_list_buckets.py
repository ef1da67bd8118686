from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.s3_node import S3Node, refusal


def test_my_buckets_in_order_with_their_dates(s3_node: S3Node, s3: Any) -> None:
    stem = f"order-{uuid.uuid4().hex[:8]}"
    for letter in "cab":
        s3.create_bucket(Bucket=f"{stem}-{letter}")
    reply = s3.list_buckets(Prefix=stem)
    assert [bucket["Name"] for bucket in reply["Buckets"]] == [f"{stem}-{letter}" for letter in "abc"]
    assert {bucket["BucketRegion"] for bucket in reply["Buckets"]} == {s3_node.main.region}
    for bucket in reply["Buckets"]:
        assert abs(bucket["CreationDate"] - datetime.now(UTC)) < timedelta(minutes=5)
    assert reply["Owner"]["ID"]
    assert reply["Prefix"] == stem


def test_pages(s3: Any) -> None:
    stem = f"pages-{uuid.uuid4().hex[:8]}"
    names = [f"{stem}-{number}" for number in range(5)]
    for name in names:
        s3.create_bucket(Bucket=name)
    pages = list(s3.get_paginator("list_buckets").paginate(Prefix=stem, PaginationConfig={"PageSize": 2}))
    assert [[bucket["Name"] for bucket in page["Buckets"]] for page in pages] == [names[:2], names[2:4], names[4:]]
    assert refusal(s3.list_buckets, ContinuationToken="nonsense") == (400, "InvalidArgument")


def test_others_see_nothing_of_it(s3_node: S3Node, bucket: str) -> None:
    theirs = s3_node.other.s3().list_buckets()
    assert bucket not in [found["Name"] for found in theirs["Buckets"]]


def test_wrong_credentials(s3_node: S3Node) -> None:
    from dataclasses import replace

    wrong_secret = replace(s3_node.main, secret_key="x" * 40).s3()
    assert refusal(wrong_secret.list_buckets) == (403, "SignatureDoesNotMatch")
    wrong_key = replace(s3_node.main, access_key="AKIDNOBODYATALL00000").s3()
    assert refusal(wrong_key.list_buckets) == (403, "InvalidAccessKeyId")
