"""PutObject through the whole gateway, over an engine in memory."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any

import pytest

from dataplane.contracts import BucketRecord, Versioning
from s3gateway.settings import GatewaySettings
from tests.support.gateway_client import GatewayClient, Reply
from tests.support.memory_directory import MemoryDirectory
from tests.support.memory_objects import MemoryObjects

BODY = b"hello world"
MD5 = hashlib.md5(BODY).hexdigest()
CRC64NVME = "jSnVw/bqjr4="
CHECKSUMS = {
    "crc32": "DUoRhQ==",
    "crc32c": "yZRlqg==",
    "crc64nvme": CRC64NVME,
    "sha1": "Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
    "sha256": "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=",
}
SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


async def stored(client: GatewayClient, path: str = "/data/key") -> bytes | None:
    reply = await client.get(path)
    return reply.body if reply.status == 200 else None


async def refused(client: GatewayClient, reply: Reply, status: int, code: str) -> None:
    assert (reply.status, reply.code) == (status, code)
    assert await stored(client) is None


# ---------------------------------------------------------------- plain


async def test_a_plain_put_answers_etag_checksum_and_encryption(client: GatewayClient) -> None:
    reply = await client.put("/data/key", BODY)
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["etag"] == f'"{MD5}"'
    assert reply.headers["x-amz-server-side-encryption"] == "AES256"
    assert reply.headers["x-amz-checksum-crc64nvme"] == CRC64NVME
    assert reply.headers["x-amz-checksum-type"] == "FULL_OBJECT"
    assert "x-amz-version-id" not in reply.headers
    assert await stored(client) == BODY


@pytest.mark.parametrize("split", [(1,), (5, 5), (0, 11), ()])
async def test_the_cuts_of_the_network_do_not_matter(client: GatewayClient, split: tuple[int, ...]) -> None:
    assert (await client.put("/data/key", BODY, split=split)).status == 200
    assert await stored(client) == BODY


async def test_an_empty_object(client: GatewayClient) -> None:
    reply = await client.put("/data/key", b"")
    assert reply.headers["etag"] == f'"{hashlib.md5().hexdigest()}"'
    assert await stored(client) == b""


async def test_a_node_that_stores_plainly_does_not_claim_encryption(
    directory: MemoryDirectory, objects: MemoryObjects, bucket: BucketRecord
) -> None:
    from s3gateway.app import S3Gateway

    gateway = S3Gateway(directory, objects, GatewaySettings(encrypts_at_rest=False))  # type: ignore[arg-type]
    client = GatewayClient(gateway, "AKIDACME", "secret-of-acme")
    assert "x-amz-server-side-encryption" not in (await client.put("/data/key", BODY)).headers
    refusal = await client.put("/data/key", BODY, headers={"x-amz-server-side-encryption": "AES256"})
    assert (refusal.status, refusal.code) == (501, "NotImplemented")


async def test_a_versioned_put_names_its_version(
    client: GatewayClient, objects: MemoryObjects, bucket: BucketRecord
) -> None:
    await objects.set_versioning(bucket, Versioning.ENABLED)
    first, second = await client.put("/data/key", b"1"), await client.put("/data/key", b"2")
    assert first.headers["x-amz-version-id"] != second.headers["x-amz-version-id"]
    await objects.set_versioning(bucket, Versioning.SUSPENDED)
    assert "x-amz-version-id" not in (await client.put("/data/key", b"3")).headers


# ---------------------------------------------------------------- lengths


async def test_a_length_must_be_announced(client: GatewayClient) -> None:
    await refused(client, await client.put("/data/key", BODY, content_length=None), 411, "MissingContentLength")


async def test_a_body_of_unknown_length_ends_where_the_transport_says(client: GatewayClient) -> None:
    chunked = {"transfer-encoding": "chunked"}
    reply = await client.put("/data/key", BODY, headers=chunked, content_length=None, split=(5,))
    assert (reply.status, await stored(client)) == (200, BODY)


async def test_a_body_of_unknown_length_has_a_limit(
    directory: MemoryDirectory, objects: MemoryObjects, bucket: BucketRecord
) -> None:
    from s3gateway.app import S3Gateway

    gateway = S3Gateway(directory, objects, GatewaySettings(max_put_bytes=10))  # type: ignore[arg-type]
    client = GatewayClient(gateway, "AKIDACME", "secret-of-acme")
    chunked = {"transfer-encoding": "chunked"}
    reply = await client.put("/data/key", BODY, headers=chunked, content_length=None, split=(5,))
    await refused(client, reply, 400, "EntityTooLarge")


async def test_a_body_shorter_than_announced_is_not_stored(client: GatewayClient) -> None:
    await refused(client, await client.put("/data/key", BODY, content_length=12), 400, "IncompleteBody")


async def test_a_body_longer_than_announced_is_not_stored(client: GatewayClient) -> None:
    await refused(client, await client.put("/data/key", BODY, content_length=10), 400, "IncompleteBody")


async def test_a_client_that_goes_away_stores_nothing(client: GatewayClient) -> None:
    reply = await client.put("/data/key", BODY, content_length=20, disconnect=True)
    assert reply.status == 0
    assert await stored(client) is None


async def test_more_than_five_gibibytes_are_refused_before_a_byte_is_read(client: GatewayClient) -> None:
    reply = await client.put("/data/key", b"", content_length=5 * 1024**3 + 1)
    await refused(client, reply, 400, "EntityTooLarge")


# ---------------------------------------------------------------- digests


async def test_the_payload_hash_is_verified(client: GatewayClient) -> None:
    wrong = hashlib.sha256(b"other").hexdigest()
    reply = await client.put("/data/key", BODY, headers={"X-Amz-Content-SHA256": wrong})
    assert reply.xml.findtext("ClientComputedContentSHA256") == wrong
    assert reply.xml.findtext("S3ComputedContentSHA256") == hashlib.sha256(BODY).hexdigest()
    await refused(client, reply, 400, "XAmzContentSHA256Mismatch")


async def test_unsigned_payload_is_taken_as_it_comes(client: GatewayClient) -> None:
    assert (await client.put("/data/key", BODY, headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})).status == 200


async def test_content_md5(client: GatewayClient) -> None:
    good = base64.b64encode(bytes.fromhex(MD5)).decode()
    assert (await client.put("/data/good", BODY, headers={"Content-MD5": good})).status == 200
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    await refused(client, await client.put("/data/key", BODY, headers={"Content-MD5": wrong}), 400, "BadDigest")
    for invalid in ("", "short", "YWJj", good + "!"):
        reply = await client.put("/data/key", BODY, headers={"Content-MD5": invalid})
        await refused(client, reply, 400, "InvalidDigest")


@pytest.mark.parametrize("algorithm", CHECKSUMS)
async def test_a_checksum_header_is_verified_kept_and_answered(client: GatewayClient, algorithm: str) -> None:
    header = f"x-amz-checksum-{algorithm}"
    reply = await client.put(
        "/data/key",
        BODY,
        headers={header: CHECKSUMS[algorithm], "x-amz-sdk-checksum-algorithm": algorithm.upper()},
    )
    assert reply.headers[header] == CHECKSUMS[algorithm]
    assert "x-amz-checksum-crc64nvme" not in reply.headers or algorithm == "crc64nvme"
    head = await client.head("/data/key", headers={"x-amz-checksum-mode": "ENABLED"})
    assert head.headers[header] == CHECKSUMS[algorithm]
    assert header not in (await client.head("/data/key")).headers


@pytest.mark.parametrize("algorithm", CHECKSUMS)
async def test_a_wrong_checksum_stores_nothing(client: GatewayClient, algorithm: str) -> None:
    length = len(base64.b64decode(CHECKSUMS[algorithm]))
    for value in (base64.b64encode(b"\x01" * length).decode(), "bad", ""):
        reply = await client.put("/data/key", BODY, headers={f"x-amz-checksum-{algorithm}": value})
        await refused(client, reply, 400, "BadDigest")


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amz-checksum-crc32": CHECKSUMS["crc32"], "x-amz-checksum-sha1": CHECKSUMS["sha1"]},
        {"x-amz-checksum-md5": "XrY7u+Ae7tCTyyK7j1rNww=="},
        {"x-amz-checksum-crc32": CHECKSUMS["crc32"], "x-amz-sdk-checksum-algorithm": "SHA1"},
        {"x-amz-sdk-checksum-algorithm": "CRC32"},
        {"x-amz-sdk-checksum-algorithm": "MD4", "x-amz-checksum-crc32": CHECKSUMS["crc32"]},
    ],
)
async def test_contradicting_checksum_headers(client: GatewayClient, headers: dict[str, str]) -> None:
    await refused(client, await client.put("/data/key", BODY, headers=headers), 400, "InvalidRequest")


# ---------------------------------------------------------------- aws-chunked


@pytest.mark.parametrize("kind", [SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER])
@pytest.mark.parametrize("split", [(), (1, 2, 3), (100,), (8000, 300)])
async def test_streaming_forms(client: GatewayClient, kind: str, split: tuple[int, ...]) -> None:
    body = b"a" * 8192 + BODY
    crc = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    trailers = [("x-amz-checksum-crc32", crc)] if kind.endswith("TRAILER") else []
    reply = await client.put_streaming("/data/key", [body[:8192], BODY], kind=kind, trailers=trailers, split=split)
    assert reply.status == 200, reply.body
    assert reply.headers["etag"] == f'"{hashlib.md5(body).hexdigest()}"'
    if trailers:
        assert reply.headers["x-amz-checksum-crc32"] == crc
    head = await client.head("/data/key")
    assert "content-encoding" not in head.headers
    assert await stored(client) == body


async def test_streaming_unsigned_without_trailer_gets_the_default_checksum(client: GatewayClient) -> None:
    reply = await client.put_streaming("/data/key", [BODY], kind=UNSIGNED_TRAILER)
    assert reply.headers["x-amz-checksum-crc64nvme"] == CRC64NVME


async def test_streaming_with_a_checksum_header(client: GatewayClient) -> None:
    headers = {"x-amz-checksum-sha1": CHECKSUMS["sha1"]}
    reply = await client.put_streaming("/data/key", [BODY], kind=UNSIGNED_TRAILER, headers=headers)
    assert reply.headers["x-amz-checksum-sha1"] == CHECKSUMS["sha1"]


async def test_unsigned_payload_in_chunks(client: GatewayClient) -> None:
    reply = await client.put_streaming("/data/key", [BODY], kind="UNSIGNED-PAYLOAD")
    assert (reply.status, await stored(client)) == (200, BODY)


@pytest.mark.parametrize(
    ("kind", "options", "status", "code"),
    [
        (SIGNED, {"spoil": lambda body: body.replace(b"hello", b"hallo")}, 403, "SignatureDoesNotMatch"),
        (SIGNED, {"spoil": lambda body: body[:-3]}, 400, "IncompleteBody"),
        (SIGNED, {"spoil": lambda body: body.replace(b"chunk", b"chink")}, 400, "IncompleteBody"),
        (SIGNED, {"headers": {"X-Amz-Decoded-Content-Length": "10"}}, 400, "IncompleteBody"),
        (SIGNED, {"headers": {"X-Amz-Decoded-Content-Length": "12"}}, 400, "IncompleteBody"),
        (SIGNED, {"headers": {"X-Amz-Decoded-Content-Length": "x"}}, 411, "MissingContentLength"),
        (SIGNED_TRAILER, {"trailers": [("x-amz-checksum-crc32", "AAAAAA==")]}, 400, "BadDigest"),
        (SIGNED_TRAILER, {"trailers": [("x-amz-checksum-crc32", "bad")]}, 400, "InvalidRequest"),
        (
            SIGNED_TRAILER,
            {
                "trailers": [("x-amz-checksum-crc32", "AAAAAA==")],
                "spoil": lambda body: body.replace(b"AAAAAA==", CHECKSUMS["crc32"].encode()),
            },
            403,
            "SignatureDoesNotMatch",
        ),
        (SIGNED_TRAILER, {"spoil": lambda body: body}, 200, ""),
        (UNSIGNED_TRAILER, {"trailers": [("x-amz-checksum-crc32", "AAAAAA==")]}, 400, "BadDigest"),
        (UNSIGNED_TRAILER, {"trailers": [("x-amz-checksum-crc99", "AAAAAA==")]}, 400, "InvalidRequest"),
        (UNSIGNED_TRAILER, {"headers": {"X-Amz-Trailer": "x-amz-checksum-crc32"}}, 400, "MalformedTrailerError"),
        (
            UNSIGNED_TRAILER,
            {
                "trailers": [("x-amz-checksum-crc32", CHECKSUMS["crc32"])],
                "headers": {"x-amz-checksum-sha1": CHECKSUMS["sha1"]},
            },
            400,
            "InvalidRequest",
        ),
    ],
)
async def test_streaming_bodies_that_do_not_hold(
    client: GatewayClient, kind: str, options: dict[str, Any], status: int, code: str
) -> None:
    reply = await client.put_streaming("/data/key", [BODY], kind=kind, **options)
    if status == 200:
        assert reply.status == 200
    else:
        await refused(client, reply, status, code)


async def test_every_chunk_but_the_last_has_eight_kibibytes(client: GatewayClient) -> None:
    reply = await client.put_streaming("/data/key", [b"short", b"also short"], kind=SIGNED)
    await refused(client, reply, 400, "InvalidChunkSizeError")


# ---------------------------------------------------------------- what goes with the bytes


async def test_content_headers_come_back(client: GatewayClient) -> None:
    headers = {
        "content-type": "text/plain; charset=utf-8",
        "content-encoding": "gzip",
        "content-disposition": 'attachment; filename="a.txt"',
        "content-language": "de",
        "cache-control": "max-age=60",
        "expires": "Thu, 01 Dec 1994 16:00:00 GMT",
        "x-amz-website-redirect-location": "/other",
    }
    assert (await client.put("/data/key", BODY, headers=headers)).status == 200
    reply = await client.head("/data/key")
    assert {name: reply.headers[name] for name in headers} == headers


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("aws-chunked", None), ("gzip, aws-chunked", "gzip"), ("aws-chunked,gzip", "gzip"), ("br", "br")],
)
async def test_aws_chunked_is_no_encoding_of_the_object(client: GatewayClient, sent: str, kept: str | None) -> None:
    await client.put("/data/key", BODY, headers={"content-encoding": sent})
    assert (await client.head("/data/key")).headers.get("content-encoding") == kept


async def test_user_metadata_comes_back(client: GatewayClient) -> None:
    await client.put("/data/key", BODY, headers={"x-amz-meta-One": "1", "X-Amz-Meta-two-words": "a  b"})
    reply = await client.head("/data/key")
    assert reply.headers["x-amz-meta-one"] == "1"
    assert reply.headers["x-amz-meta-two-words"] == "a  b"


async def test_too_much_user_metadata(client: GatewayClient) -> None:
    reply = await client.put("/data/key", BODY, headers={"x-amz-meta-a": "x" * 2048})
    await refused(client, reply, 400, "MetadataTooLarge")


async def test_tags_in_the_header(client: GatewayClient) -> None:
    await client.put("/data/key", BODY, headers={"x-amz-tagging": "a=1&b%20c=%C3%BC"})
    assert (await client.head("/data/key")).headers["x-amz-tagging-count"] == "2"
    tags = (await client.get("/data/key", "tagging")).xml
    assert [(tag.findtext("Key"), tag.findtext("Value")) for tag in tags.iter("Tag")] == [("a", "1"), ("b c", "ü")]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("a=1&a=2", "InvalidTag"),
        ("aws:a=1", "InvalidTag"),
        ("=1", "InvalidTag"),
        ("k" * 129 + "=1", "InvalidTag"),
        ("a=" + "v" * 257, "InvalidTag"),
        ("a=%23%24", "InvalidTag"),
        ("&".join(f"k{i}=v" for i in range(11)), "InvalidTag"),
        ("a=%zz", "InvalidArgument"),
    ],
)
async def test_bad_tags(client: GatewayClient, value: str, code: str) -> None:
    await refused(client, await client.put("/data/key", BODY, headers={"x-amz-tagging": value}), 400, code)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"x-amz-acl": "private"}, 200, ""),
        ({"x-amz-acl": "bucket-owner-full-control"}, 200, ""),
        ({"x-amz-acl": "public-read"}, 400, "AccessControlListNotSupported"),
        ({"x-amz-acl": "nonsense"}, 400, "InvalidArgument"),
        ({"x-amz-grant-read": "id=1"}, 400, "AccessControlListNotSupported"),
        ({"x-amz-server-side-encryption": "AES256"}, 200, ""),
        ({"x-amz-server-side-encryption": "aws:kms"}, 501, "NotImplemented"),
        ({"x-amz-server-side-encryption": "nonsense"}, 400, "InvalidArgument"),
        (
            {"x-amz-server-side-encryption": "AES256", "x-amz-server-side-encryption-aws-kms-key-id": "k"},
            400,
            "InvalidArgument",
        ),
        ({"x-amz-server-side-encryption-aws-kms-key-id": "k"}, 400, "InvalidArgument"),
        ({"x-amz-server-side-encryption-customer-algorithm": "AES256"}, 501, "NotImplemented"),
        ({"x-amz-storage-class": "STANDARD_IA"}, 200, ""),
        ({"x-amz-storage-class": "GLACIER"}, 400, "InvalidStorageClass"),
        ({"x-amz-storage-class": "nonsense"}, 400, "InvalidStorageClass"),
        ({"x-amz-write-offset-bytes": "0"}, 501, "NotImplemented"),
        ({"x-amz-website-redirect-location": "other"}, 400, "InvalidRedirectLocation"),
        ({"x-amz-object-lock-mode": "GOVERNANCE"}, 400, "InvalidRequest"),
        ({"x-amz-object-lock-legal-hold": "ON"}, 400, "InvalidRequest"),
    ],
)
async def test_headers_that_ask_for_more(
    client: GatewayClient, headers: dict[str, str], status: int, code: str
) -> None:
    reply = await client.put("/data/key", BODY, headers=headers)
    if status == 200:
        assert reply.status == 200
    else:
        await refused(client, reply, status, code)


async def test_object_lock_headers_need_a_bucket_with_object_lock(
    client: GatewayClient, directory: MemoryDirectory
) -> None:
    directory.add_bucket("locked", object_lock=True)
    until = "2099-01-01T00:00:00.000Z"
    headers = {"x-amz-object-lock-mode": "COMPLIANCE", "x-amz-object-lock-retain-until-date": until}
    assert (await client.put("/locked/key", BODY, headers=headers)).status == 200
    reply = await client.head("/locked/key")
    assert reply.headers["x-amz-object-lock-mode"] == "COMPLIANCE"
    assert reply.headers["x-amz-object-lock-retain-until-date"] == until
    for wrong in (
        {"x-amz-object-lock-mode": "COMPLIANCE"},
        {"x-amz-object-lock-retain-until-date": until},
        {**headers, "x-amz-object-lock-mode": "NONE"},
        {**headers, "x-amz-object-lock-retain-until-date": "2001-01-01T00:00:00Z"},
        {**headers, "x-amz-object-lock-retain-until-date": "soon"},
        {"x-amz-object-lock-legal-hold": "MAYBE"},
    ):
        assert (await client.put("/locked/other", BODY, headers=wrong)).code == "InvalidArgument"


# ---------------------------------------------------------------- conditions


async def test_create_only(client: GatewayClient) -> None:
    assert (await client.put("/data/key", b"1", headers={"If-None-Match": "*"})).status == 200
    reply = await client.put("/data/key", b"2", headers={"If-None-Match": "*"})
    assert (reply.status, reply.code, await stored(client)) == (412, "PreconditionFailed", b"1")


async def test_replace_only(client: GatewayClient) -> None:
    etag = (await client.put("/data/key", b"1")).headers["etag"]
    assert (await client.put("/data/key", b"2", headers={"If-Match": '"other"'})).status == 412
    assert (await client.put("/data/key", b"2", headers={"If-Match": etag})).status == 200
    assert (await client.put("/data/gone", b"2", headers={"If-Match": etag})).code == "NoSuchKey"


async def test_conditions_that_aws_does_not_know(client: GatewayClient) -> None:
    etag = (await client.put("/data/key", b"1")).headers["etag"]
    assert (await client.put("/data/key", b"2", headers={"If-None-Match": etag})).status == 412
    assert (await client.put("/data/key", b"2", headers={"If-None-Match": '"other"'})).status == 200
    assert (await client.put("/data/key", b"3", headers={"If-Match": "*"})).status == 200
    two = await client.put("/data/key", b"3", headers={"If-Match": '"a", "b"'})
    assert (two.status, two.code) == (501, "NotImplemented")


# ---------------------------------------------------------------- rights


async def test_a_stranger_writes_nothing(client: GatewayClient, stranger: GatewayClient) -> None:
    await refused(client, await stranger.put("/data/key", BODY), 403, "AccessDenied")


async def test_reserved_keys_are_refused(client: GatewayClient) -> None:
    reply = await client.put("/data/_anvil/x", BODY)
    assert (reply.status, reply.code) == (403, "UnauthorizedReservedNamespace")
