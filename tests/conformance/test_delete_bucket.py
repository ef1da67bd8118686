from __future__ import annotations

from typing import Any

from tests.support.s3_node import S3Node, refusal


def test_an_empty_bucket_goes_and_its_name_is_free(s3_node: S3Node, s3: Any, bucket: str) -> None:
    s3.delete_bucket(Bucket=bucket)
    assert refusal(s3.list_objects_v2, Bucket=bucket) == (404, "NoSuchBucket")
    assert refusal(s3.delete_bucket, Bucket=bucket) == (404, "NoSuchBucket")
    assert refusal(s3.put_object, Bucket=bucket, Key="k") == (404, "NoSuchBucket")
    s3_node.other.s3().create_bucket(Bucket=bucket)


def test_a_bucket_that_holds_something_stays(s3: Any, versioned: str) -> None:
    assert s3.put_object(Bucket=versioned, Key="k", Body=b"x")["VersionId"]
    assert refusal(s3.delete_bucket, Bucket=versioned) == (409, "BucketNotEmpty")
    marker = s3.delete_object(Bucket=versioned, Key="k")
    assert marker["DeleteMarker"]
    assert refusal(s3.delete_bucket, Bucket=versioned) == (409, "BucketNotEmpty")
    for page in (s3.list_object_versions(Bucket=versioned),):
        for row in page["Versions"] + page["DeleteMarkers"]:
            s3.delete_object(Bucket=versioned, Key=row["Key"], VersionId=row["VersionId"])
    s3.delete_bucket(Bucket=versioned)


def test_others_cannot(s3_node: S3Node, s3: Any, bucket: str) -> None:
    assert refusal(s3_node.other.s3().delete_bucket, Bucket=bucket) == (403, "AccessDenied")
    s3.head_bucket(Bucket=bucket)
