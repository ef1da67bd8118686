from __future__ import annotations

from typing import Any

from tests.support.s3_node import S3Node, refusal


def test_enabled_at_creation_or_not_at_all(s3_node: S3Node, s3: Any, bucket: str, new_bucket: Any) -> None:
    absent = refusal(s3.get_object_lock_configuration, Bucket=bucket)
    assert absent == (404, "ObjectLockConfigurationNotFoundError")
    locked = new_bucket(ObjectLockEnabledForBucket=True)
    reply = s3.get_object_lock_configuration(Bucket=locked)
    assert reply["ObjectLockConfiguration"] == {"ObjectLockEnabled": "Enabled"}
    assert refusal(s3_node.other.s3().get_object_lock_configuration, Bucket=locked) == (403, "AccessDenied")
