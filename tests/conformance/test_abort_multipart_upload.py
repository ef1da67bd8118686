from __future__ import annotations

from typing import Any

from tests.conformance.multipart_uploads import start
from tests.support.s3_node import S3Node, refusal


def test_an_aborted_upload_is_gone(s3_node: S3Node, s3: Any, bucket: str) -> None:
    upload = start(s3, bucket)
    upload.part(1, b"x" * 300_000)
    assert refusal(s3_node.other.s3().abort_multipart_upload, **upload.address) == (403, "AccessDenied")
    reply = s3.abort_multipart_upload(**upload.address)
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 204
    for call in (s3.abort_multipart_upload, s3.list_parts):
        assert refusal(call, **upload.address) == (404, "NoSuchUpload")
    assert refusal(upload.complete) == (404, "NoSuchUpload")
    assert refusal(s3.upload_part, **upload.address, PartNumber=1, Body=b"x") == (404, "NoSuchUpload")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    s3.delete_bucket(Bucket=bucket)
