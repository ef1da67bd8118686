from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.multipart_uploads import start
from tests.support.s3_node import S3Node, refusal


def test_attributes_are_fixed_at_the_start(s3: Any, bucket: str) -> None:
    upload = start(
        s3, bucket, ContentType="text/plain", Metadata={"a": "1"}, Tagging="t=1", StorageClass="STANDARD_IA",
        CacheControl="no-cache",
    )  # fmt: skip
    upload.part(1, b"x")
    upload.complete()
    made = s3.head_object(Bucket=bucket, Key="key")
    assert (made["ContentType"], made["Metadata"], made["TagCount"]) == ("text/plain", {"a": "1"}, 1)
    assert (made["StorageClass"], made["CacheControl"]) == ("STANDARD_IA", "no-cache")


@pytest.mark.parametrize(
    ("algorithm", "kind", "expected"),
    [
        ("CRC32", None, "COMPOSITE"),
        ("CRC32C", "FULL_OBJECT", "FULL_OBJECT"),
        ("SHA256", None, "COMPOSITE"),
        ("CRC64NVME", None, "FULL_OBJECT"),
    ],
)
def test_checksum_kinds(s3: Any, bucket: str, algorithm: str, kind: str | None, expected: str) -> None:
    more = {} if kind is None else {"ChecksumType": kind}
    reply = s3.create_multipart_upload(Bucket=bucket, Key="key", ChecksumAlgorithm=algorithm, **more)
    assert (reply["ChecksumAlgorithm"], reply["ChecksumType"]) == (algorithm, expected)


def test_refusals(s3_node: S3Node, s3: Any, bucket: str) -> None:
    for wrong in (
        {"ChecksumAlgorithm": "SHA1", "ChecksumType": "FULL_OBJECT"},
        {"ChecksumAlgorithm": "CRC64NVME", "ChecksumType": "COMPOSITE"},
        {"ChecksumType": "COMPOSITE"},
    ):
        assert refusal(s3.create_multipart_upload, Bucket=bucket, Key="k", **wrong) == (400, "InvalidRequest")
    assert refusal(s3.create_multipart_upload, Bucket=bucket, Key="_anvil/k")[0] == 403
    assert refusal(s3_node.other.s3().create_multipart_upload, Bucket=bucket, Key="k") == (403, "AccessDenied")
    assert refusal(s3.create_multipart_upload, Bucket="there-is-no-such-bucket", Key="k") == (404, "NoSuchBucket")
