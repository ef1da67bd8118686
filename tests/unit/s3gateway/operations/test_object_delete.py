"""DeleteObject and DeleteObjects through the whole gateway, over an engine in memory."""

from __future__ import annotations

import base64
import hashlib
import zlib

import pytest

from dataplane.contracts import BucketRecord, Grant, Versioning
from tests.support.gateway_client import GatewayClient, Reply
from tests.support.memory_directory import MemoryDirectory
from tests.support.memory_objects import MemoryObjects


async def test_a_delete_of_what_is_there_and_of_what_is_not(client: GatewayClient) -> None:
    await client.put("/data/key", b"x")
    for _ in range(2):
        reply = await client.delete("/data/key")
        assert (reply.status, reply.body) == (204, b"")
        assert "content-length" not in reply.headers
        assert "x-amz-delete-marker" not in reply.headers
        assert "x-amz-version-id" not in reply.headers
    assert (await client.get("/data/key")).status == 404


async def test_versions_and_markers(client: GatewayClient, objects: MemoryObjects, bucket: BucketRecord) -> None:
    await objects.set_versioning(bucket, Versioning.ENABLED)
    version = (await client.put("/data/key", b"x")).headers["x-amz-version-id"]
    marker = await client.delete("/data/key")
    assert marker.headers["x-amz-delete-marker"] == "true"
    marker_id = marker.headers["x-amz-version-id"]

    removed = await client.delete("/data/key", f"versionId={marker_id}")
    assert removed.headers["x-amz-delete-marker"] == "true"
    assert removed.headers["x-amz-version-id"] == marker_id
    assert (await client.get("/data/key")).body == b"x"

    removed = await client.delete("/data/key", f"versionId={version}")
    assert removed.headers["x-amz-version-id"] == version
    assert "x-amz-delete-marker" not in removed.headers
    assert (await client.get("/data/key")).status == 404
    assert (await client.delete("/data/key", "versionId=")).code == "InvalidArgument"


@pytest.mark.parametrize(
    ("header", "good", "wrong"),
    [
        ("if-match", '"9dd4e461268c8034f5c8564e155c67a6"', '"other"'),
        ("x-amz-if-match-size", "1", "2"),
        (
            "x-amz-if-match-last-modified-time",
            "Fri, 20 Nov 2026 07:00:01 GMT",
            "Fri, 20 Nov 2026 07:00:02 GMT",
        ),
    ],
)
async def test_conditional_deletes(client: GatewayClient, header: str, good: str, wrong: str) -> None:
    await client.put("/data/key", b"x")
    reply = await client.delete("/data/key", headers={header: wrong})
    assert (reply.status, reply.code) == (412, "PreconditionFailed")
    assert (await client.delete("/data/key", headers={header: good})).status == 204
    assert (await client.get("/data/key")).status == 404


@pytest.mark.parametrize(
    ("header", "value"), [("x-amz-if-match-size", "-1"), ("x-amz-if-match-last-modified-time", "soon")]
)
async def test_conditions_that_cannot_be_read(client: GatewayClient, header: str, value: str) -> None:
    assert (await client.delete("/data/key", headers={header: value})).code == "InvalidArgument"


# ---------------------------------------------------------------- DeleteObjects


def document(*objects: str, quiet: str = "") -> bytes:
    flag = f"<Quiet>{quiet}</Quiet>" if quiet else ""
    return f'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{flag}{"".join(objects)}</Delete>'.encode()


def item(key: str, **more: str) -> str:
    rest = "".join(f"<{name}>{value}</{name}>" for name, value in more.items())
    return f"<Object><Key>{key}</Key>{rest}</Object>"


async def delete_many(client: GatewayClient, body: bytes, **headers: str) -> Reply:
    return await client.post("/data", "delete", body, headers=headers)


def md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body).digest()).decode()


async def test_many_keys(client: GatewayClient) -> None:
    await client.put("/data/a", b"1")
    await client.put("/data/ b&<> ", b"2")
    body = document(item("a"), item(" b&amp;&lt;&gt; "), item("none"))
    reply = await delete_many(client, body)
    assert reply.status == 200
    assert reply.xml.tag == "DeleteResult"
    assert reply.all("Deleted/Key") == ["a", " b&<> ", "none"]
    assert reply.all("Error/Key") == []
    assert (await client.get("/data/ b&<> ")).status == 404


async def test_quiet_names_only_errors(client: GatewayClient) -> None:
    await client.put("/data/a", b"1")
    reply = await delete_many(client, document(item("a"), item("_anvil/x"), quiet="true"))
    assert reply.all("Deleted/Key") == []
    assert reply.all("Error/Key") == ["_anvil/x"]
    assert reply.all("Error/Code") == ["UnauthorizedReservedNamespace"]
    assert (await client.get("/data/a")).status == 404


async def test_versions_in_many(client: GatewayClient, objects: MemoryObjects, bucket: BucketRecord) -> None:
    await objects.set_versioning(bucket, Versioning.ENABLED)
    version = (await client.put("/data/a", b"1")).headers["x-amz-version-id"]
    reply = await delete_many(client, document(item("a")))
    (deleted,) = reply.xml.findall("Deleted")
    assert [child.tag for child in deleted] == ["Key", "DeleteMarker", "DeleteMarkerVersionId"]
    marker = deleted.findtext("DeleteMarkerVersionId") or ""
    reply = await delete_many(client, document(item("a", VersionId=version), item("a", VersionId=marker)))
    first, second = reply.xml.findall("Deleted")
    assert (first.findtext("VersionId"), first.find("DeleteMarker")) == (version, None)
    assert (second.findtext("DeleteMarkerVersionId"), second.findtext("DeleteMarker")) == (marker, "true")


async def test_conditions_in_many(client: GatewayClient) -> None:
    etag = (await client.put("/data/a", b"1")).headers["etag"].strip('"')
    reply = await delete_many(client, document(item("a", ETag="other")))
    assert reply.all("Error/Code") == ["PreconditionFailed"]
    assert (await delete_many(client, document(item("a", Size="2")))).all("Error/Code") == ["PreconditionFailed"]
    reply = await delete_many(client, document(item("a", ETag=etag, Size="1")))
    assert reply.all("Deleted/Key") == ["a"]


async def test_a_refused_version_is_named(client: GatewayClient, objects: MemoryObjects, bucket: BucketRecord) -> None:
    await objects.set_versioning(bucket, Versioning.ENABLED)
    version = (await client.put("/data/a", b"1")).headers["x-amz-version-id"]
    reply = await delete_many(client, document(item("a", VersionId=version, ETag="other")))
    (error,) = reply.xml.findall("Error")
    assert [child.tag for child in error] == ["Key", "VersionId", "Code", "Message"]
    assert error.findtext("VersionId") == version


async def test_a_thousand_and_no_more(client: GatewayClient) -> None:
    keys = [item(f"k{number}") for number in range(1000)]
    assert len((await delete_many(client, document(*keys))).all("Deleted/Key")) == 1000
    reply = await delete_many(client, document(*keys, item("one more")))
    assert (reply.status, reply.code) == (400, "MalformedXML")


@pytest.mark.parametrize(
    "body",
    [
        document(),
        document("<Object></Object>"),
        document(item("")),
        document(item("a"), quiet="perhaps"),
        b"<Delete><Object>",
        b"<Other/>",
        b"no xml",
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&e;</Key></Object></Delete>',
    ],
)
async def test_malformed_documents(client: GatewayClient, body: bytes) -> None:
    reply = await delete_many(client, body)
    assert (reply.status, reply.code) == (400, "MalformedXML")


async def test_an_empty_document(client: GatewayClient) -> None:
    assert (await delete_many(client, b"")).code == "MissingRequestBodyError"


async def test_the_body_must_be_vouched_for(client: GatewayClient) -> None:
    body = document(item("a"))
    unsigned = {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}
    assert (await delete_many(client, body, **unsigned)).code == "InvalidRequest"
    assert (await delete_many(client, body, **unsigned, **{"Content-MD5": md5(body)})).status == 200
    crc = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    assert (await delete_many(client, body, **unsigned, **{"x-amz-checksum-crc32": crc})).status == 200


async def test_a_body_that_does_not_match_deletes_nothing(client: GatewayClient) -> None:
    await client.put("/data/a", b"1")
    assert (await delete_many(client, document(item("a")), **{"Content-MD5": md5(b"other")})).code == "BadDigest"
    reply = await delete_many(client, document(item("a")), **{"x-amz-checksum-crc32": "AAAAAA=="})
    assert reply.code == "BadDigest"
    assert (await client.get("/data/a")).status == 200


async def test_each_key_is_allowed_or_refused_on_its_own(client: GatewayClient, directory: MemoryDirectory) -> None:
    grants = (Grant("object:delete", "data"), Grant("object:delete", "data/mine/*"))
    directory.add_app("HALF", "secret", grants=grants)
    half = GatewayClient(client.gateway, "HALF", "secret")
    await client.put("/data/mine/a", b"1")
    await client.put("/data/yours/a", b"1")
    reply = await delete_many(half, document(item("yours/a"), item("mine/a")))
    assert reply.all("Deleted/Key") == ["mine/a"]
    assert (reply.all("Error/Key"), reply.all("Error/Code")) == (["yours/a"], ["AccessDenied"])
    assert (await client.get("/data/yours/a")).status == 200
