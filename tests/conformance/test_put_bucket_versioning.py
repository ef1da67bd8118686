from __future__ import annotations

from typing import Any

from tests.support.s3_node import S3Node, refusal


def switch(s3: Any, bucket: str, status: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def test_old_objects_become_null_versions(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"before")
    switch(s3, bucket, "Enabled")
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"after")["VersionId"]
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"before"
    switch(s3, bucket, "Suspended")
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Suspended"
    assert "VersionId" not in s3.put_object(Bucket=bucket, Key="k", Body=b"suspended")
    versions = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert [row["VersionId"] for row in versions] == ["null", version]
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"suspended"


def test_refusals(s3_node: S3Node, s3: Any, bucket: str, new_bucket: Any) -> None:
    wrong = {"Bucket": bucket, "VersioningConfiguration": {"Status": "Sometimes"}}
    assert refusal(s3.put_bucket_versioning, **wrong) == (400, "MalformedXML")
    empty = {"Bucket": bucket, "VersioningConfiguration": {}}
    assert refusal(s3.put_bucket_versioning, **empty) == (400, "IllegalVersioningConfigurationException")
    enabled = {"Bucket": bucket, "VersioningConfiguration": {"Status": "Enabled"}}
    assert refusal(s3_node.other.s3().put_bucket_versioning, **enabled) == (403, "AccessDenied")
    locked = new_bucket(ObjectLockEnabledForBucket=True)
    suspended = {"Bucket": locked, "VersioningConfiguration": {"Status": "Suspended"}}
    assert refusal(s3.put_bucket_versioning, **suspended) == (409, "InvalidBucketState")
