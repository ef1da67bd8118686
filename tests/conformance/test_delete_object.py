from __future__ import annotations

from typing import Any

from tests.support.s3_node import S3Node, refusal


def test_what_is_there_and_what_is_not(s3: Any, bucket: str) -> None:
    for size in (10, 300_000):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x" * size)
        reply = s3.delete_object(Bucket=bucket, Key="k")
        assert reply["ResponseMetadata"]["HTTPStatusCode"] == 204
        assert "VersionId" not in reply
        assert "DeleteMarker" not in reply
        s3.delete_object(Bucket=bucket, Key="k")
        assert refusal(s3.get_object, Bucket=bucket, Key="k") == (404, "NoSuchKey")


def test_versions_and_markers(s3: Any, versioned: str) -> None:
    version = s3.put_object(Bucket=versioned, Key="k", Body=b"x")["VersionId"]
    marker = s3.delete_object(Bucket=versioned, Key="k")
    assert marker["DeleteMarker"] is True
    removed = s3.delete_object(Bucket=versioned, Key="k", VersionId=marker["VersionId"])
    assert (removed["DeleteMarker"], removed["VersionId"]) == (True, marker["VersionId"])
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"x"
    removed = s3.delete_object(Bucket=versioned, Key="k", VersionId=version)
    assert removed["VersionId"] == version
    assert "DeleteMarker" not in removed
    assert refusal(s3.get_object, Bucket=versioned, Key="k") == (404, "NoSuchKey")
    assert s3.delete_object(Bucket=versioned, Key="k", VersionId=version)["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_suspended_versioning(s3: Any, versioned: str) -> None:
    kept = s3.put_object(Bucket=versioned, Key="k", Body=b"kept")["VersionId"]
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket=versioned, Key="k", Body=b"null")
    assert s3.delete_object(Bucket=versioned, Key="k")["VersionId"] == "null"
    assert refusal(s3.get_object, Bucket=versioned, Key="k", VersionId="null") == (405, "MethodNotAllowed")
    s3.delete_object(Bucket=versioned, Key="k", VersionId="null")
    assert s3.get_object(Bucket=versioned, Key="k")["VersionId"] == kept


def test_conditional_deletes(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    assert refusal(s3.delete_object, Bucket=bucket, Key="k", IfMatch='"other"') == (412, "PreconditionFailed")
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)
    assert refusal(s3.head_object, Bucket=bucket, Key="k") == (404, "404")


def test_who_may_delete(s3_node: S3Node, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for stranger in (s3_node.other, s3_node.nobody):
        assert refusal(stranger.s3().delete_object, Bucket=bucket, Key="k") == (403, "AccessDenied")
    assert refusal(s3.delete_object, Bucket=bucket, Key="_anvil/k") == (403, "UnauthorizedReservedNamespace")
    s3.head_object(Bucket=bucket, Key="k")


def test_a_locked_version_stays(s3: Any, new_bucket: Any) -> None:
    from datetime import UTC, datetime, timedelta

    locked = new_bucket(ObjectLockEnabledForBucket=True)
    until = datetime.now(UTC) + timedelta(days=1)
    version = s3.put_object(
        Bucket=locked, Key="k", Body=b"x", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until
    )["VersionId"]
    held = s3.put_object(Bucket=locked, Key="held", Body=b"x", ObjectLockLegalHoldStatus="ON")["VersionId"]
    assert refusal(s3.delete_object, Bucket=locked, Key="k", VersionId=version) == (403, "AccessDenied")
    bypass = {"VersionId": version, "BypassGovernanceRetention": True}
    assert refusal(s3.delete_object, Bucket=locked, Key="k", **bypass) == (403, "AccessDenied")
    assert refusal(s3.delete_object, Bucket=locked, Key="held", VersionId=held) == (403, "AccessDenied")
    assert s3.delete_object(Bucket=locked, Key="k")["DeleteMarker"]
    assert s3.get_object(Bucket=locked, Key="k", VersionId=version)["Body"].read() == b"x"
    governed = s3.put_object(
        Bucket=locked, Key="g", Body=b"x", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until
    )["VersionId"]
    assert refusal(s3.delete_object, Bucket=locked, Key="g", VersionId=governed) == (403, "AccessDenied")
    s3.delete_object(Bucket=locked, Key="g", VersionId=governed, BypassGovernanceRetention=True)
