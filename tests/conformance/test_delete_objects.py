from __future__ import annotations

from typing import Any

from tests.support.s3_node import S3Node, refusal


def test_many_at_once(s3: Any, bucket: str) -> None:
    keys = [f"k{number}" for number in range(50)] + ["ü", "a&b", " x "]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    objects = [{"Key": key} for key in [*keys, "none"]]
    reply = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    assert [row["Key"] for row in reply["Deleted"]] == [*keys, "none"]
    assert "Errors" not in reply
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_quiet_and_refused_keys(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    delete = {"Quiet": True, "Objects": [{"Key": "k"}, {"Key": "_anvil/k"}, {"Key": "x" * 1025}]}
    reply = s3.delete_objects(Bucket=bucket, Delete=delete)
    assert "Deleted" not in reply
    assert [row["Code"] for row in reply["Errors"]] == ["UnauthorizedReservedNamespace", "KeyTooLongError"]
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_versions(s3: Any, versioned: str) -> None:
    version = s3.put_object(Bucket=versioned, Key="k", Body=b"x")["VersionId"]
    (marker,) = s3.delete_objects(Bucket=versioned, Delete={"Objects": [{"Key": "k"}]})["Deleted"]
    assert marker["DeleteMarker"] is True
    rows = [
        {"Key": "k", "VersionId": version},
        {"Key": "k", "VersionId": marker["DeleteMarkerVersionId"]},
    ]
    first, second = s3.delete_objects(Bucket=versioned, Delete={"Objects": rows})["Deleted"]
    assert (first["VersionId"], "DeleteMarker" in first) == (version, False)
    assert (second["DeleteMarker"], second["DeleteMarkerVersionId"]) == (True, marker["DeleteMarkerVersionId"])
    assert "Versions" not in s3.list_object_versions(Bucket=versioned)


def test_conditions(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    reply = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "ETag": '"other"'}]})
    assert reply["Errors"][0]["Code"] == "PreconditionFailed"
    reply = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "ETag": etag}]})
    assert reply["Deleted"][0]["Key"] == "k"


def test_a_thousand_and_no_more(s3: Any, bucket: str) -> None:
    objects = [{"Key": f"k{number}"} for number in range(1001)]
    assert len(s3.delete_objects(Bucket=bucket, Delete={"Objects": objects[:1000]})["Deleted"]) == 1000
    assert refusal(s3.delete_objects, Bucket=bucket, Delete={"Objects": objects}) == (400, "MalformedXML")


def test_who_may_delete(s3_node: S3Node, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    delete = {"Objects": [{"Key": "k"}]}
    assert refusal(s3_node.other.s3().delete_objects, Bucket=bucket, Delete=delete) == (403, "AccessDenied")
    assert refusal(s3_node.nobody.s3().delete_objects, Bucket=bucket, Delete=delete) == (403, "AccessDenied")
    s3.head_object(Bucket=bucket, Key="k")
