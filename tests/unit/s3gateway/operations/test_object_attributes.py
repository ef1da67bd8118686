"""GetObjectAttributes through the whole gateway, over an engine in memory."""

from __future__ import annotations

import pytest

from dataplane.contracts import BucketRecord, Versioning
from tests.support.gateway_client import GatewayClient, Reply
from tests.support.memory_objects import MemoryObjects

ALL = "ETag,Checksum,ObjectParts,StorageClass,ObjectSize"


async def ask(client: GatewayClient, names: str = ALL, path: str = "/data/key", query: str = "", **more: str) -> Reply:
    headers = {"x-amz-object-attributes": names, **{n.replace("_", "-"): v for n, v in more.items()}}
    return await client.get(path, f"attributes{query}", headers=headers)


async def multipart(client: GatewayClient, count: int) -> None:
    upload = (await client.post("/data/key", "uploads")).xml.findtext("UploadId")
    parts = ""
    for number in range(1, count + 1):
        part = await client.put("/data/key", b"%020d" % number, query=f"partNumber={number}&uploadId={upload}")
        parts += f"<Part><PartNumber>{number}</PartNumber><ETag>{part.headers['etag']}</ETag></Part>"
    body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    assert (await client.post("/data/key", f"uploadId={upload}", body)).status == 200


async def test_a_single_object(client: GatewayClient) -> None:
    await client.put("/data/key", b"hello world")
    reply = await ask(client)
    assert [child.tag for child in reply.xml] == ["ETag", "Checksum", "StorageClass", "ObjectSize"]
    assert reply.xml.findtext("ETag") == "5eb63bbbe01eeed093cb22bb8f5acdc3"
    assert reply.xml.findtext("Checksum/ChecksumCRC64NVME") == "jSnVw/bqjr4="
    assert reply.xml.findtext("Checksum/ChecksumType") == "FULL_OBJECT"
    assert reply.xml.findtext("ObjectSize") == "11"
    assert reply.headers["last-modified"] == "Fri, 20 Nov 2026 07:00:01 GMT"
    assert [child.tag for child in (await ask(client, "ObjectSize, ETag")).xml] == ["ETag", "ObjectSize"]


async def test_parts_by_pages(client: GatewayClient) -> None:
    await multipart(client, 5)
    whole = await ask(client, "ObjectParts")
    assert whole.xml.findtext("ObjectParts/PartsCount") == "5"
    assert whole.all("ObjectParts/Part/PartNumber") == ["1", "2", "3", "4", "5"]
    assert whole.all("ObjectParts/Part/Size") == ["20"] * 5
    assert whole.xml.findtext("ObjectParts/IsTruncated") == "false"
    page = await ask(client, "ObjectParts", x_amz_max_parts="2", x_amz_part_number_marker="1")
    assert page.all("ObjectParts/Part/PartNumber") == ["2", "3"]
    assert page.xml.findtext("ObjectParts/NextPartNumberMarker") == "3"
    assert page.xml.findtext("ObjectParts/MaxParts") == "2"
    assert page.xml.findtext("ObjectParts/IsTruncated") == "true"
    beyond = await ask(client, "ObjectParts", x_amz_part_number_marker="9")
    assert beyond.all("ObjectParts/Part/PartNumber") == []


async def test_a_named_version(client: GatewayClient, objects: MemoryObjects, bucket: BucketRecord) -> None:
    await objects.set_versioning(bucket, Versioning.ENABLED)
    first = (await client.put("/data/key", b"1")).headers["x-amz-version-id"]
    await client.put("/data/key", b"22")
    reply = await ask(client, "ObjectSize", query=f"&versionId={first}")
    assert (reply.xml.findtext("ObjectSize"), reply.headers["x-amz-version-id"]) == ("1", first)


@pytest.mark.parametrize(
    ("names", "more", "code"),
    [
        ("", {}, "InvalidRequest"),
        (" , ", {}, "InvalidRequest"),
        ("ETag,Nonsense", {}, "InvalidArgument"),
        ("ETag", {"x_amz_max_parts": "x"}, "InvalidArgument"),
        ("ETag", {"x_amz_part_number_marker": "-1"}, "InvalidArgument"),
    ],
)
async def test_questions_that_cannot_be(client: GatewayClient, names: str, more: dict[str, str], code: str) -> None:
    await client.put("/data/key", b"x")
    reply = await ask(client, names, **more)
    assert (reply.status, reply.code) == (400, code)


async def test_an_absent_key(client: GatewayClient) -> None:
    assert (await ask(client, path="/data/none")).code == "NoSuchKey"
