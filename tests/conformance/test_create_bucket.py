from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.support.s3_node import S3Node, refusal


def fresh() -> str:
    return f"made-{uuid.uuid4().hex}"


def test_a_new_bucket(s3: Any) -> None:
    name = fresh()
    assert s3.create_bucket(Bucket=name)["Location"] == f"/{name}"
    s3.head_bucket(Bucket=name)
    assert s3.list_objects_v2(Bucket=name)["KeyCount"] == 0


def test_the_region_may_be_named(s3_node: S3Node, s3: Any) -> None:
    for region in (s3_node.main.region, "us-east-1"):
        s3.create_bucket(Bucket=fresh(), CreateBucketConfiguration={"LocationConstraint": region})
    elsewhere = {"LocationConstraint": "mars-north-1"}
    refused = refusal(s3.create_bucket, Bucket=fresh(), CreateBucketConfiguration=elsewhere)
    assert refused == (400, "InvalidLocationConstraint")


def test_a_bucket_of_mine_again(s3_node: S3Node, s3: Any, bucket: str) -> None:
    if s3_node.main.region == "us-east-1":
        assert s3.create_bucket(Bucket=bucket)["Location"] == f"/{bucket}"
    else:
        assert refusal(s3.create_bucket, Bucket=bucket) == (409, "BucketAlreadyOwnedByYou")


def test_a_bucket_of_others(s3_node: S3Node, bucket: str) -> None:
    assert refusal(s3_node.other.s3().create_bucket, Bucket=bucket) == (409, "BucketAlreadyExists")


@pytest.mark.parametrize("name", ["ab", "Upper-Case", "a..b", "192.168.5.4", "under_score", "xn--name", "x-s3alias"])
def test_names_that_cannot_be(s3_node: S3Node, name: str) -> None:
    reply = s3_node.main.raw("PUT", f"/{name}")
    assert (reply.status, reply.code) == (400, "InvalidBucketName")


def test_object_lock(s3: Any) -> None:
    name = fresh()
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    configuration = s3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"]
    assert configuration == {"ObjectLockEnabled": "Enabled"}


def test_acls_are_those_of_the_owner(s3: Any) -> None:
    s3.create_bucket(Bucket=fresh(), ACL="private", ObjectOwnership="BucketOwnerEnforced")
    refused = refusal(s3.create_bucket, Bucket=fresh(), ACL="public-read")
    assert refused == (400, "InvalidBucketAclWithObjectOwnership")


def test_who_may_not_create(s3_node: S3Node) -> None:
    assert refusal(s3_node.nobody.s3().create_bucket, Bucket=fresh()) == (403, "AccessDenied")
    reader = s3_node.add_app("other", ("object:read", "*"))
    assert refusal(reader.s3().create_bucket, Bucket=fresh()) == (403, "AccessDenied")
