from __future__ import annotations

import hashlib
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.s3_node import S3Node, refusal

BODY = bytes(range(256)) * 8192  # two segments
SMALL = bytes(range(100))


@pytest.fixture(params=["inline", "shards"])
def body(request: pytest.FixtureRequest) -> bytes:
    return SMALL if request.param == "inline" else BODY


def test_bytes_and_headers(s3: Any, bucket: str, body: bytes) -> None:
    put = s3.put_object(Bucket=bucket, Key="key", Body=body)
    reply = s3.get_object(Bucket=bucket, Key="key")
    assert reply["Body"].read() == body
    assert (reply["ETag"], reply["ContentLength"]) == (put["ETag"], len(body))
    assert (reply["AcceptRanges"], reply["ContentType"]) == ("bytes", "binary/octet-stream")
    assert reply["ServerSideEncryption"] == "AES256"
    assert reply["ChecksumCRC32"] == put["ChecksumCRC32"]
    assert abs(reply["LastModified"] - datetime.now(UTC)) < timedelta(minutes=5)
    assert reply["ResponseMetadata"]["HTTPHeaders"]["x-amz-request-id"]
    assert reply["ResponseMetadata"]["HTTPHeaders"]["x-amz-id-2"]
    assert "VersionId" not in reply


def test_ranges(s3: Any, bucket: str, body: bytes) -> None:
    s3.put_object(Bucket=bucket, Key="key", Body=body)
    size = len(body)
    middle = size // 2
    for header, start, stop in (
        ("bytes=0-0", 0, 1),
        (f"bytes={middle - 3}-{middle + 3}", middle - 3, middle + 4),
        (f"bytes={middle}-", middle, size),
        ("bytes=-7", size - 7, size),
        (f"bytes=-{size * 2}", 0, size),
        (f"bytes=0-{size * 2}", 0, size),
    ):
        reply = s3.get_object(Bucket=bucket, Key="key", Range=header)
        assert reply["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert reply["ContentRange"] == f"bytes {start}-{stop - 1}/{size}"
        assert reply["Body"].read() == body[start:stop]
        assert "ChecksumCRC32" not in reply
    for header in (f"bytes={size}-", f"bytes={size}-{size + 5}", "bytes=-0"):
        assert refusal(s3.get_object, Bucket=bucket, Key="key", Range=header) == (416, "InvalidRange")
    for header in ("bytes=5-2", "bytes=0-1,3-4", "bytes=x-y", "lines=0-1"):
        reply = s3.get_object(Bucket=bucket, Key="key", Range=header)
        assert (reply["ResponseMetadata"]["HTTPStatusCode"], reply["ContentLength"]) == (200, size)
        reply["Body"].close()


def test_ranges_of_an_empty_object(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="key", Body=b"")
    assert refusal(s3.get_object, Bucket=bucket, Key="key", Range="bytes=0-") == (416, "InvalidRange")
    assert s3.get_object(Bucket=bucket, Key="key", Range="bytes=-1")["Body"].read() == b""


def test_conditions(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="key", Body=SMALL)["ETag"]
    changed = s3.head_object(Bucket=bucket, Key="key")["LastModified"]
    name = {"Bucket": bucket, "Key": "key"}
    before, after = changed - timedelta(hours=1), changed + timedelta(hours=1)
    for good in (
        {"IfMatch": etag},
        {"IfNoneMatch": '"other"'},
        {"IfUnmodifiedSince": changed},
        {"IfModifiedSince": before},
        {"IfMatch": etag, "IfUnmodifiedSince": before},
        {"IfNoneMatch": '"other"', "IfModifiedSince": changed},
        {"IfModifiedSince": after},
    ):
        assert s3.get_object(**name, **good)["Body"].read() == SMALL, good
    for failed in ({"IfMatch": '"other"'}, {"IfUnmodifiedSince": before}):
        assert refusal(s3.get_object, **name, **failed) == (412, "PreconditionFailed"), failed
    for unchanged in ({"IfNoneMatch": etag}, {"IfModifiedSince": changed}):
        assert refusal(s3.get_object, **name, **unchanged) == (304, "304"), unchanged


def test_not_modified_has_no_body_but_an_etag(s3_node: S3Node, s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="key", Body=SMALL)["ETag"]
    reply = s3_node.main.raw("GET", f"/{bucket}/key", headers={"If-None-Match": etag})
    assert (reply.status, reply.body, reply.headers["etag"]) == (304, b"", etag)
    assert "last-modified" in reply.headers


def test_response_header_overrides(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="key", Body=SMALL, ContentType="text/plain")
    reply = s3.get_object(
        Bucket=bucket,
        Key="key",
        ResponseContentType="text/html",
        ResponseContentDisposition="attachment",
        ResponseCacheControl="no-store",
        ResponseContentEncoding="identity",
        ResponseContentLanguage="fr",
    )
    assert (reply["ContentType"], reply["ContentDisposition"]) == ("text/html", "attachment")
    assert (reply["CacheControl"], reply["ContentEncoding"]) == ("no-store", "identity")
    assert reply["ContentLanguage"] == "fr"


def test_parts_by_number(s3: Any, bucket: str) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key", ChecksumAlgorithm="CRC32C")["UploadId"]
    pieces = [b"a" * (5 << 20), b"b" * 1000]
    parts = []
    for number, piece in enumerate(pieces, start=1):
        part = s3.upload_part(
            Bucket=bucket, Key="key", UploadId=upload, PartNumber=number, Body=piece, ChecksumAlgorithm="CRC32C"
        )
        parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumCRC32C": part["ChecksumCRC32C"]})
    s3.complete_multipart_upload(Bucket=bucket, Key="key", UploadId=upload, MultipartUpload={"Parts": parts})
    for number, piece in enumerate(pieces, start=1):
        reply = s3.get_object(Bucket=bucket, Key="key", PartNumber=number)
        assert (reply["PartsCount"], reply["ContentLength"]) == (2, len(piece))
        assert (reply["ChecksumCRC32C"], reply["ChecksumType"]) == (parts[number - 1]["ChecksumCRC32C"], "COMPOSITE")
        assert reply["Body"].read() == piece
    border = (5 << 20) - 10
    crossing = s3.get_object(Bucket=bucket, Key="key", Range=f"bytes={border}-{border + 19}")
    assert crossing["Body"].read() == b"a" * 10 + b"b" * 10
    assert refusal(s3.get_object, Bucket=bucket, Key="key", PartNumber=3) == (416, "InvalidPartNumber")
    both = {"PartNumber": 1, "Range": "bytes=0-1"}
    assert refusal(s3.get_object, Bucket=bucket, Key="key", **both) == (400, "InvalidRequest")


def test_versions(s3: Any, versioned: str) -> None:
    first = s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=versioned, Key="k", Body=b"2")["VersionId"]
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    for version, expected in ((first, b"1"), (second, b"2")):
        reply = s3.get_object(Bucket=versioned, Key="k", VersionId=version)
        assert (reply["VersionId"], reply["Body"].read()) == (version, expected)
    assert refusal(s3.get_object, Bucket=versioned, Key="k") == (404, "NoSuchKey")
    assert refusal(s3.get_object, Bucket=versioned, Key="k", VersionId=marker) == (405, "MethodNotAllowed")
    assert refusal(s3.get_object, Bucket=versioned, Key="k", VersionId="nonsense") == (404, "NoSuchVersion")


def test_a_marker_says_so(s3_node: S3Node, s3: Any, versioned: str) -> None:
    s3.put_object(Bucket=versioned, Key="k", Body=b"1")
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    reply = s3_node.main.raw("GET", f"/{versioned}/k")
    assert (reply.headers["x-amz-delete-marker"], reply.headers["x-amz-version-id"]) == ("true", marker)
    reply = s3_node.main.raw("GET", f"/{versioned}/k", f"versionId={marker}")
    assert (reply.status, reply.headers["allow"], reply.headers["x-amz-delete-marker"]) == (405, "DELETE", "true")


def test_who_may_read(s3_node: S3Node, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=SMALL)
    for stranger in (s3_node.other, s3_node.nobody):
        assert refusal(stranger.s3().get_object, Bucket=bucket, Key="k") == (403, "AccessDenied")
        assert refusal(stranger.s3().get_object, Bucket=bucket, Key="absent") == (403, "AccessDenied")
    assert refusal(s3.get_object, Bucket=bucket, Key="absent") == (404, "NoSuchKey")
    assert refusal(s3.get_object, Bucket="there-is-no-such-bucket", Key="k") == (404, "NoSuchBucket")
    assert refusal(s3.get_object, Bucket=bucket, Key="_anvil/k") == (403, "UnauthorizedReservedNamespace")


@pytest.mark.parametrize("options", [{}, {"signature_version": "s3v4"}], ids=["as boto3 signs by default", "v4"])
def test_a_presigned_url(s3_node: S3Node, s3: Any, bucket: str, options: dict[str, str]) -> None:
    signer = s3_node.main.s3(**options)
    s3.put_object(Bucket=bucket, Key="ä/b c", Body=SMALL)
    url = signer.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "ä/b c"}, ExpiresIn=60)
    with urllib.request.urlopen(url, timeout=30) as reply:
        assert reply.read() == SMALL
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url.replace("Signature=", "Signature=0"), timeout=30)
    with caught.value:
        assert caught.value.code == 403


def test_readers_and_a_writer_see_whole_objects(s3_node: S3Node, s3: Any, bucket: str) -> None:
    """Whoever reads while the key is overwritten gets one of the bodies, never a mixture."""
    bodies = {hashlib.md5(body).hexdigest(): body for body in (b"a" * 1_500_000, b"b" * 1_500_000)}
    first, second = bodies.values()
    s3.put_object(Bucket=bucket, Key="key", Body=first)
    seen: set[bytes] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            reply = s3_node.main.raw("GET", f"/{bucket}/key")
            assert reply.status == 200
            seen.add(hashlib.md5(reply.body).hexdigest().encode())

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for body in (second, first) * 3:
        s3.put_object(Bucket=bucket, Key="key", Body=body)
    stop.set()
    for thread in threads:
        thread.join()
    assert seen <= {name.encode() for name in bodies}
    assert seen
