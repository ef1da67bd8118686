from __future__ import annotations

from typing import Any

from tests.support.s3_node import S3Node, refusal


def test_the_owner_has_everything(s3_node: S3Node, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    reply = s3.get_object_acl(Bucket=bucket, Key="k")
    (grant,) = reply["Grants"]
    assert (grant["Permission"], grant["Grantee"]["Type"]) == ("FULL_CONTROL", "CanonicalUser")
    assert grant["Grantee"]["ID"] == reply["Owner"]["ID"]
    assert refusal(s3.get_object_acl, Bucket=bucket, Key="none") == (404, "NoSuchKey")
    assert refusal(s3_node.other.s3().get_object_acl, Bucket=bucket, Key="k") == (403, "AccessDenied")


def test_a_public_bucket_shows_it(s3_node: S3Node, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3_node.make_public(bucket)
    groups = [grant["Grantee"].get("URI") for grant in s3.get_object_acl(Bucket=bucket, Key="k")["Grants"]]
    assert groups == [None, "http://acs.amazonaws.com/groups/global/AllUsers"]
    assert s3_node.nobody.raw("GET", f"/{bucket}/k").body == b"x"
    assert s3_node.nobody.raw("PUT", f"/{bucket}/k").code == "AccessDenied"
    assert s3_node.nobody.raw("GET", f"/{bucket}", "list-type=2").code == "AccessDenied"
