"""CopyObject and UploadPartCopy through the whole gateway, over an engine in memory."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from dataplane.contracts import BucketRecord, Grant, Versioning
from tests.support.gateway_client import GatewayClient, Reply
from tests.support.memory_directory import MemoryDirectory
from tests.support.memory_objects import MemoryObjects

BODY = b"the source"


@pytest.fixture
async def etag(client: GatewayClient) -> str:
    reply = await client.put(
        "/data/from",
        BODY,
        headers={
            "content-type": "text/plain",
            "cache-control": "no-cache",
            "x-amz-meta-a": "1",
            "x-amz-tagging": "t=1",
            "x-amz-storage-class": "STANDARD_IA",
            "x-amz-website-redirect-location": "/away",
        },
    )
    return reply.headers["etag"]


async def copy(client: GatewayClient, source: str = "/data/from", to: str = "/data/to", **headers: str) -> Reply:
    lines = {"x-amz-copy-source": source, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await client.put(to, headers=lines)


async def test_a_copy_takes_everything_but_class_and_redirect(client: GatewayClient, etag: str) -> None:
    reply = await copy(client)
    assert reply.status == 200
    assert reply.xml.tag == "CopyObjectResult"
    assert [child.tag for child in reply.xml] == ["LastModified", "ETag", "ChecksumType", "ChecksumCRC64NVME"]
    assert reply.xml.findtext("ETag") == etag
    assert reply.xml.findtext("LastModified") == "2026-11-20T07:00:02.000Z"
    assert reply.headers["x-amz-server-side-encryption"] == "AES256"
    made = await client.get("/data/to")
    assert made.body == BODY
    assert made.headers["content-type"] == "text/plain"
    assert made.headers["cache-control"] == "no-cache"
    assert made.headers["x-amz-meta-a"] == "1"
    assert made.headers["x-amz-tagging-count"] == "1"
    assert "x-amz-storage-class" not in made.headers
    assert "x-amz-website-redirect-location" not in made.headers


async def test_metadata_and_tags_are_replaced_each_by_its_directive(client: GatewayClient, etag: str) -> None:
    await copy(client, x_amz_metadata_directive="REPLACE", x_amz_meta_b="2", content_type="text/html")
    made = await client.head("/data/to")
    assert (made.headers["content-type"], made.headers["x-amz-meta-b"]) == ("text/html", "2")
    assert "x-amz-meta-a" not in made.headers
    assert "cache-control" not in made.headers
    assert made.headers["x-amz-tagging-count"] == "1"
    await copy(client, x_amz_tagging_directive="REPLACE", x_amz_tagging="x=1&y=2")
    made = await client.head("/data/to")
    assert (made.headers["x-amz-meta-a"], made.headers["x-amz-tagging-count"]) == ("1", "2")


@pytest.mark.parametrize("name", ["x_amz_metadata_directive", "x_amz_tagging_directive"])
async def test_unknown_directives(client: GatewayClient, etag: str, name: str) -> None:
    assert (await copy(client, **{name: "nonsense"})).code == "InvalidArgument"


@pytest.mark.parametrize(
    ("key", "source"),
    [
        ("a b+c", "data/a%20b%2Bc"),
        ("a b+c", "/data/a b+c"),
        ("ä/ö//ü", "data%2F%C3%A4%2F%C3%B6%2F%2F%C3%BC"),
        ("100%", "/data/100%25"),
        ("q?x=1", "data/q%3Fx%3D1"),
        ("..", "data/.."),
        ("a/../b", "data/a/../b"),
        ("/leading", "data//leading"),
    ],
)
async def test_sources_with_odd_names(client: GatewayClient, key: str, source: str) -> None:
    await client.put(f"/data/{key}", BODY)
    reply = await copy(client, source)
    assert reply.status == 200, reply.body
    assert (await client.get("/data/to")).body == BODY


@pytest.mark.parametrize(
    ("source", "status", "code"),
    [
        ("/data/none", 404, "NoSuchKey"),
        ("/nowhere/key", 404, "NoSuchBucket"),
        ("/data", 400, "InvalidArgument"),
        ("/data/", 400, "InvalidArgument"),
        ("", 400, "InvalidArgument"),
        ("/data/from?versionId=none", 404, "NoSuchVersion"),
        ("/data/_anvil/x", 403, "UnauthorizedReservedNamespace"),
        ("/data/%5Fanvil%2Fx", 403, "UnauthorizedReservedNamespace"),
    ],
)
async def test_sources_that_cannot_be(client: GatewayClient, etag: str, source: str, status: int, code: str) -> None:
    reply = await copy(client, source)
    assert (reply.status, reply.code) == (status, code)


async def test_a_copy_onto_itself_must_change_something(client: GatewayClient, etag: str) -> None:
    refused = await copy(client, to="/data/from")
    assert (refused.status, refused.code) == (400, "InvalidRequest")
    assert (await copy(client, to="/data/from", x_amz_metadata_directive="REPLACE")).status == 200
    assert (await copy(client, to="/data/from", x_amz_storage_class="STANDARD")).status == 200
    assert (await copy(client, to="/data/from", x_amz_checksum_algorithm="SHA256")).status == 200
    assert (await client.get("/data/from")).body == BODY


async def test_an_old_version_can_be_copied_onto_its_key(
    client: GatewayClient, objects: MemoryObjects, bucket: BucketRecord, etag: str
) -> None:
    await objects.set_versioning(bucket, Versioning.ENABLED)
    await client.put("/data/from", b"newer")
    reply = await copy(client, "/data/from?versionId=null", to="/data/from")
    assert reply.status == 200
    assert reply.headers["x-amz-copy-source-version-id"] == "null"
    assert reply.headers["x-amz-version-id"]
    assert (await client.get("/data/from")).body == BODY


async def test_a_delete_marker_is_no_source(
    client: GatewayClient, objects: MemoryObjects, bucket: BucketRecord, etag: str
) -> None:
    await objects.set_versioning(bucket, Versioning.ENABLED)
    marker = (await client.delete("/data/from")).headers["x-amz-version-id"]
    assert (await copy(client)).code == "NoSuchKey"
    named = await copy(client, f"/data/from?versionId={marker}")
    assert (named.status, named.code) == (400, "InvalidRequest")


async def test_a_new_checksum_can_be_asked_for(client: GatewayClient, etag: str) -> None:
    reply = await copy(client, x_amz_checksum_algorithm="SHA1")
    assert reply.xml.findtext("ChecksumSHA1")
    assert (await copy(client, x_amz_checksum_algorithm="nonsense")).code == "InvalidRequest"


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("if-match", "same", 200),
        ("if-match", '"other"', 412),
        ("if-none-match", '"other"', 200),
        ("if-none-match", "same", 412),
        ("if-unmodified-since", "Fri, 20 Nov 2026 07:00:00 GMT", 412),
        ("if-unmodified-since", "Fri, 20 Nov 2026 07:00:01 GMT", 200),
    ],
)
async def test_conditions_on_the_source(client: GatewayClient, etag: str, header: str, value: str, status: int) -> None:
    lines = {
        "x-amz-copy-source": "/data/from",
        f"x-amz-copy-source-{header}": etag if value == "same" else value,
    }
    reply = await client.put("/data/to", headers=lines)
    assert reply.status == status
    assert reply.code == ("PreconditionFailed" if status == 412 else "")


async def test_a_source_not_modified_since_is_a_failed_precondition(
    client: GatewayClient, objects: MemoryObjects
) -> None:
    from datetime import UTC, datetime

    objects._now = datetime(2020, 1, 1, 12, 0, 0, tzinfo=UTC)
    await client.put("/data/from", BODY)
    lines = {"x-amz-copy-source": "/data/from"}
    since = "x-amz-copy-source-if-modified-since"
    assert (await client.put("/data/to", headers={**lines, since: "Wed, 01 Jan 2020 13:00:00 GMT"})).status == 412
    assert (await client.put("/data/to", headers={**lines, since: "Wed, 01 Jan 2020 11:00:00 GMT"})).status == 200


async def test_conditions_on_the_destination(client: GatewayClient, etag: str) -> None:
    assert (await copy(client, if_none_match="*")).status == 200
    assert (await copy(client, if_none_match="*")).status == 412
    assert (await copy(client, if_match=etag)).status == 200


async def test_the_source_must_be_readable(
    client: GatewayClient, stranger: GatewayClient, directory: MemoryDirectory, etag: str
) -> None:
    directory.add_bucket("theirs", tenant_id=2, tenant_name="other")
    assert (await copy(stranger, to="/theirs/to")).code == "AccessDenied"
    directory.add_app("WRITER", "secret", grants=(Grant("object:write", "data/*"),))
    writer = GatewayClient(client.gateway, "WRITER", "secret")
    assert (await copy(writer)).code == "AccessDenied"


async def test_a_public_source_may_be_copied_by_others(
    client: GatewayClient, stranger: GatewayClient, directory: MemoryDirectory
) -> None:
    directory.add_bucket("open", public_read=True)
    directory.add_bucket("theirs", tenant_id=2, tenant_name="other")
    await client.put("/open/key", BODY)
    assert (await copy(stranger, "/open/key", to="/theirs/to")).status == 200
    assert (await stranger.get("/theirs/to")).body == BODY


# ---------------------------------------------------------------- UploadPartCopy


@pytest.fixture
async def upload(client: GatewayClient) -> str:
    reply = await client.post("/data/to", "uploads")
    return reply.xml.findtext("UploadId") or ""


async def copy_part(client: GatewayClient, upload: str, number: object = 1, **headers: str) -> Reply:
    lines = {"x-amz-copy-source": "/data/from", **{n.replace("_", "-"): v for n, v in headers.items()}}
    return await client.put("/data/to", query=f"partNumber={number}&uploadId={upload}", headers=lines)


async def test_a_part_from_a_range(client: GatewayClient, etag: str, upload: str) -> None:
    reply = await copy_part(client, upload, x_amz_copy_source_range="bytes=4-9")
    assert reply.status == 200
    assert [child.tag for child in reply.xml] == ["LastModified", "ETag", "ChecksumCRC64NVME"]
    assert reply.xml.findtext("ETag") == f'"{hashlib.md5(BODY[4:10]).hexdigest()}"'
    whole = await copy_part(client, upload, 2)
    assert whole.xml.findtext("ETag") == etag


@pytest.mark.parametrize(
    "value", ["bytes=0-10", "bytes=5-2", "bytes=-2", "bytes=2-", "0-2", "bytes=a-b", "bytes=0-1,3-4", "bytes=20-30"]
)
async def test_ranges_outside_the_source(client: GatewayClient, etag: str, upload: str, value: str) -> None:
    reply = await copy_part(client, upload, x_amz_copy_source_range=value)
    assert (reply.status, reply.code) == (400, "InvalidArgument")


async def test_part_copies_that_cannot_be(client: GatewayClient, etag: str, upload: str) -> None:
    assert (await copy_part(client, "none")).code == "NoSuchUpload"
    assert (await copy_part(client, upload, 0)).code == "InvalidArgument"
    assert (await copy_part(client, upload, 10001)).code == "InvalidArgument"
    assert (await copy_part(client, upload, x_amz_copy_source_if_match='"other"')).code == "PreconditionFailed"


async def test_a_client_may_say_whose_source_it_means(client: GatewayClient, etag: str) -> None:
    assert (await copy(client, x_amz_source_expected_bucket_owner="acme")).status == 200
    refused = await copy(client, x_amz_source_expected_bucket_owner="other")
    assert (refused.status, refused.code) == (403, "AccessDenied")


async def test_more_than_five_gibibytes_are_not_copied(
    client: GatewayClient, objects: MemoryObjects, bucket: BucketRecord, etag: str, upload: str
) -> None:
    version = await objects.open(bucket, "from")
    objects._bucket(bucket).versions["from"] = [replace(version, size=5 * 1024**3 + 1)]
    for reply in (await copy(client), await copy_part(client, upload)):
        assert (reply.status, reply.code) == (400, "InvalidRequest")
        assert "5368709120" in (reply.xml.findtext("Message") or "")
    assert (await copy_part(client, upload, x_amz_copy_source_range="bytes=0-3")).status == 200
