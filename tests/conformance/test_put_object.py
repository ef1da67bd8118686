from __future__ import annotations

import base64
import hashlib
import io
import threading
import urllib.error
import urllib.request
import zlib
from typing import Any

import pytest

from tests.support.chunked_bodies import ChunkSigning, chunked_body, signing_key
from tests.support.s3_node import App, Reply, S3Node, refusal, signed_headers

ODD_KEYS = [
    "a//b",
    "a/../b",
    "x/",
    "/leading",
    ".",
    "..",
    "a b+c%20d",
    "ünï/çødé",
    "\U0001f600",
    "k" * 1024,
    "a\tb",
    "<&'\">",
]


def pattern(size: int, seed: int = 7) -> bytes:
    """Bytes that differ in every segment."""
    block = hashlib.sha256(bytes([seed])).digest()
    return (block * (size // len(block) + 1))[: max(0, size - 8)] + size.to_bytes(8, "big")[: min(8, size)]


@pytest.mark.parametrize("key", ODD_KEYS)
def test_keys_are_any_text(s3: Any, bucket: str, key: str) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert [row["Key"] for row in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]


def test_a_key_has_at_most_1024_bytes(s3: Any, bucket: str) -> None:
    assert refusal(s3.put_object, Bucket=bucket, Key="k" * 1025) == (400, "KeyTooLongError")
    assert refusal(s3.put_object, Bucket=bucket, Key="ü" * 513) == (400, "KeyTooLongError")


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (5 << 20) + 13])
def test_every_size_comes_back(s3: Any, bucket: str, size: int) -> None:
    """Around the limit of inline bodies, around a segment, several segments."""
    body = pattern(size)
    reply = s3.put_object(Bucket=bucket, Key="key", Body=body)
    assert reply["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert reply["ServerSideEncryption"] == "AES256"
    assert reply["ChecksumCRC32"] == base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    assert reply["ChecksumType"] == "FULL_OBJECT"
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == body


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
@pytest.mark.parametrize("size", [11, 300_000])
def test_every_checksum(s3: Any, bucket: str, algorithm: str, size: int) -> None:
    body = pattern(size)
    reply = s3.put_object(Bucket=bucket, Key="key", Body=body, ChecksumAlgorithm=algorithm)
    read = s3.get_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
    assert read[f"Checksum{algorithm}"] == reply[f"Checksum{algorithm}"]
    # botocore compares the checksum with what it reads.
    assert read["Body"].read() == body
    other = s3.put_object(Bucket=bucket, Key="other", Body=b"x", ChecksumAlgorithm=algorithm)
    wrong = {f"Checksum{algorithm}": other[f"Checksum{algorithm}"]}
    assert refusal(s3.put_object, Bucket=bucket, Key="wrong", Body=body, **wrong) == (400, "BadDigest")
    assert refusal(s3.head_object, Bucket=bucket, Key="wrong") == (404, "404")


def test_without_a_checksum_the_store_makes_crc64nvme(s3_node: S3Node, bucket: str) -> None:
    quiet = s3_node.main.s3(request_checksum_calculation="when_required")
    assert quiet.put_object(Bucket=bucket, Key="key", Body=b"hello world")["ChecksumCRC64NVME"] == "jSnVw/bqjr4="


def test_an_upload_that_is_a_stream(s3: Any, bucket: str) -> None:
    body = pattern(700_000)
    s3.upload_fileobj(io.BytesIO(body), bucket, "key")
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == body


# ---------------------------------------------------------------- aws-chunked over the wire

SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def streaming_put(
    app: App, path: str, chunks: list[bytes], kind: str, *, spoil: bool = False, trailer: str = ""
) -> Reply:
    plain = b"".join(chunks)
    trailers = [("x-amz-checksum-crc32", trailer)] if trailer else []
    headers = {
        "X-Amz-Content-SHA256": kind,
        "X-Amz-Decoded-Content-Length": str(len(plain)),
        "Content-Encoding": "aws-chunked",
        **({"X-Amz-Trailer": "x-amz-checksum-crc32"} if trailer else {}),
    }
    lines = signed_headers(app, "PUT", path, {}, headers=headers)
    signing = None
    if kind.startswith("STREAMING-AWS4"):
        credential, _, signature = lines["Authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(", ")
        scope = credential.removeprefix("Credential=").partition("/")[2]
        signing = ChunkSigning(
            signing_key(app.secret_key, scope), signature.removeprefix("Signature="), lines["X-Amz-Date"], scope
        )
    wire = chunked_body(chunks, signing=signing, trailers=trailers, signed_trailer=kind == SIGNED_TRAILER)
    if spoil:
        wire = wire.replace(plain[:4], b"spam", 1)
    return app.raw_signed("PUT", path, lines, wire)


@pytest.mark.parametrize("kind", [SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER, "UNSIGNED-PAYLOAD"])
@pytest.mark.parametrize("sizes", [[11], [65536, 65536, 100], [1 << 20, 1 << 20, 1 << 19, 5]])
def test_every_framing(s3_node: S3Node, s3: Any, bucket: str, kind: str, sizes: list[int]) -> None:
    chunks = [pattern(size, seed) for seed, size in enumerate(sizes)]
    body = b"".join(chunks)
    crc = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode() if kind.endswith("TRAILER") else ""
    reply = streaming_put(s3_node.main, f"/{bucket}/key", chunks, kind, trailer=crc)
    assert reply.status == 200, reply.body
    assert reply.headers["etag"] == f'"{hashlib.md5(body).hexdigest()}"'
    read = s3.get_object(Bucket=bucket, Key="key")
    assert read["Body"].read() == body
    assert "ContentEncoding" not in read


@pytest.mark.parametrize("sizes", [[11], [65536, 100], [1 << 20, 1 << 20]])
def test_a_spoiled_chunk_stores_nothing(s3_node: S3Node, s3: Any, bucket: str, sizes: list[int]) -> None:
    chunks = [pattern(size, seed) for seed, size in enumerate(sizes)]
    reply = streaming_put(s3_node.main, f"/{bucket}/key", chunks, SIGNED, spoil=True)
    assert (reply.status, reply.code) == (403, "SignatureDoesNotMatch")
    reply = streaming_put(s3_node.main, f"/{bucket}/key", chunks, UNSIGNED_TRAILER, trailer="AAAAAA==")
    assert (reply.status, reply.code) == (400, "BadDigest")
    assert refusal(s3.head_object, Bucket=bucket, Key="key") == (404, "404")


def test_a_body_other_than_signed_stores_nothing(s3_node: S3Node, s3: Any, bucket: str) -> None:
    for size in (11, 100_000, 2 << 20):
        reply = s3_node.main.raw("PUT", f"/{bucket}/key", body=b"x" * size, wire_body=b"y" * size)
        assert (reply.status, reply.code) == (400, "XAmzContentSHA256Mismatch")
    assert refusal(s3.head_object, Bucket=bucket, Key="key") == (404, "404")


# ---------------------------------------------------------------- attributes


def test_everything_set_comes_back(s3: Any, bucket: str) -> None:
    s3.put_object(
        Bucket=bucket,
        Key="key",
        Body=b"x",
        ContentType="text/plain",
        ContentEncoding="gzip",
        ContentDisposition='attachment; filename="x"',
        ContentLanguage="de",
        CacheControl="no-cache",
        Metadata={"one": "1", "two": "zwei drei"},
        Tagging="a=1&b=2",
        StorageClass="STANDARD_IA",
        WebsiteRedirectLocation="/elsewhere",
    )
    reply = s3.head_object(Bucket=bucket, Key="key")
    assert (reply["ContentType"], reply["ContentEncoding"]) == ("text/plain", "gzip")
    assert (reply["ContentDisposition"], reply["ContentLanguage"]) == ('attachment; filename="x"', "de")
    assert (reply["CacheControl"], reply["Metadata"]) == ("no-cache", {"one": "1", "two": "zwei drei"})
    assert (reply["StorageClass"], reply["WebsiteRedirectLocation"]) == ("STANDARD_IA", "/elsewhere")
    assert reply["TagCount"] == 2


def test_metadata_beyond_ascii(s3_node: S3Node, bucket: str) -> None:
    """Sent as an encoded word, kept as text, answered as an encoded word."""
    word = "=?UTF-8?B?R3LDvMOfZQ==?="
    assert s3_node.main.raw("PUT", f"/{bucket}/key", headers={"x-amz-meta-name": word}).status == 200
    assert s3_node.main.raw("HEAD", f"/{bucket}/key").headers["x-amz-meta-name"] == word


def test_limits_and_refusals(s3: Any, bucket: str) -> None:
    assert refusal(s3.put_object, Bucket=bucket, Key="k", Metadata={"a": "x" * 2048}) == (400, "MetadataTooLarge")
    assert refusal(s3.put_object, Bucket=bucket, Key="k", ACL="public-read") == (400, "AccessControlListNotSupported")
    kms = {"ServerSideEncryption": "aws:kms"}
    assert refusal(s3.put_object, Bucket=bucket, Key="k", **kms) == (501, "NotImplemented")
    assert refusal(s3.put_object, Bucket=bucket, Key="_anvil/k") == (403, "UnauthorizedReservedNamespace")
    assert refusal(s3.put_object, Bucket="there-is-no-such-bucket", Key="k") == (404, "NoSuchBucket")
    s3.put_object(Bucket=bucket, Key="k", ACL="bucket-owner-full-control", ServerSideEncryption="AES256")


# ---------------------------------------------------------------- conditions


def test_conditional_writes(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="key", Body=b"1", IfNoneMatch="*")["ETag"]
    assert refusal(s3.put_object, Bucket=bucket, Key="key", Body=b"2", IfNoneMatch="*") == (412, "PreconditionFailed")
    assert refusal(s3.put_object, Bucket=bucket, Key="key", Body=b"2", IfMatch='"x"') == (412, "PreconditionFailed")
    s3.put_object(Bucket=bucket, Key="key", Body=b"2", IfMatch=etag)
    assert refusal(s3.put_object, Bucket=bucket, Key="none", Body=b"2", IfMatch=etag) == (404, "NoSuchKey")
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"2"


@pytest.mark.parametrize("size", [10, 200_000])
def test_of_many_creators_one_wins(s3_node: S3Node, s3: Any, bucket: str, size: int) -> None:
    start = threading.Barrier(8)
    outcomes: list[tuple[int, int]] = []

    def create(number: int) -> None:
        start.wait()
        reply = s3_node.main.raw(
            "PUT", f"/{bucket}/key", headers={"If-None-Match": "*"}, body=bytes([65 + number]) * size
        )
        outcomes.append((reply.status, number))

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [number for status, number in outcomes if status == 200]
    assert len(winners) == 1
    assert {status for status, _ in outcomes} <= {200, 412, 409}
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == bytes([65 + winners[0]]) * size


def test_versions_are_named(s3: Any, versioned: str) -> None:
    first, second = (s3.put_object(Bucket=versioned, Key="k", Body=body)["VersionId"] for body in (b"1", b"2"))
    assert first != second
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Suspended"})
    assert "VersionId" not in s3.put_object(Bucket=versioned, Key="k", Body=b"3")


# ---------------------------------------------------------------- rights


def test_who_may_write(s3_node: S3Node, s3: Any, bucket: str) -> None:
    for stranger in (s3_node.other, s3_node.nobody):
        assert refusal(stranger.s3().put_object, Bucket=bucket, Key="k", Body=b"x") == (403, "AccessDenied")
    assert refusal(s3.head_object, Bucket=bucket, Key="k") == (404, "404")


@pytest.mark.parametrize("options", [{}, {"signature_version": "s3v4"}], ids=["as boto3 signs by default", "v4"])
def test_a_presigned_url(s3_node: S3Node, s3: Any, bucket: str, options: dict[str, str]) -> None:
    signer = s3_node.main.s3(**options)
    what = {"Bucket": bucket, "Key": "key", "ContentType": "text/plain"}
    url = signer.generate_presigned_url("put_object", Params=what)
    request = urllib.request.Request(url, b"presigned", {"Content-Type": "text/plain"}, method="PUT")
    with urllib.request.urlopen(request, timeout=30) as reply:
        assert reply.status == 200
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"presigned"
    request = urllib.request.Request(url, b"presigned", {"Content-Type": "text/html"}, method="PUT")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=30)
    with caught.value:
        assert caught.value.code == 403
