"""Object tags through the whole gateway, over an engine in memory."""

from __future__ import annotations

import pytest

from dataplane.contracts import BucketRecord, Versioning
from tests.support.gateway_client import GatewayClient
from tests.support.memory_objects import MemoryObjects


def tagging(*pairs: tuple[str, str]) -> bytes:
    tags = "".join(f"<Tag><Key>{key}</Key><Value>{value}</Value></Tag>" for key, value in pairs)
    return f"<Tagging><TagSet>{tags}</TagSet></Tagging>".encode()


async def shown(client: GatewayClient, query: str = "tagging") -> dict[str, str]:
    reply = await client.get("/data/key", query)
    assert (reply.status, reply.xml.tag) == (200, "Tagging")
    return {tag.findtext("Key") or "": tag.findtext("Value") or "" for tag in reply.xml.iter("Tag")}


async def test_tags_are_put_replaced_and_deleted(client: GatewayClient) -> None:
    await client.put("/data/key", b"x")
    assert await shown(client) == {}
    assert (await client.put("/data/key", tagging(("a", "1"), (" b ", "")), query="tagging")).status == 200
    assert await shown(client) == {"a": "1", " b ": ""}
    await client.put("/data/key", tagging(("c", "ü")), query="tagging")
    assert await shown(client) == {"c": "ü"}
    assert (await client.delete("/data/key", "tagging")).status == 204
    assert await shown(client) == {}
    assert (await client.get("/data/key")).body == b"x"


async def test_tags_of_a_version(client: GatewayClient, objects: MemoryObjects, bucket: BucketRecord) -> None:
    await objects.set_versioning(bucket, Versioning.ENABLED)
    first = (await client.put("/data/key", b"1")).headers["x-amz-version-id"]
    await client.put("/data/key", b"2")
    reply = await client.put("/data/key", tagging(("a", "1")), query=f"tagging&versionId={first}")
    assert reply.headers["x-amz-version-id"] == first
    assert await shown(client) == {}
    assert await shown(client, f"tagging&versionId={first}") == {"a": "1"}
    assert (await client.delete("/data/key", f"tagging&versionId={first}")).headers["x-amz-version-id"] == first


async def test_tags_of_what_is_not_there(client: GatewayClient) -> None:
    assert (await client.get("/data/none", "tagging")).code == "NoSuchKey"
    assert (await client.put("/data/none", tagging(), query="tagging")).code == "NoSuchKey"
    assert (await client.delete("/data/none", "tagging")).code == "NoSuchKey"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (tagging(*((f"k{i}", "v") for i in range(11))), "InvalidTag"),
        (tagging(("a", "1"), ("a", "2")), "InvalidTag"),
        (tagging(("k" * 129, "v")), "InvalidTag"),
        (tagging(("k", "v" * 257)), "InvalidTag"),
        (tagging(("", "v")), "InvalidTag"),
        (tagging(("aws:k", "v")), "InvalidTag"),
        (tagging(("k", "{v}")), "InvalidTag"),
        (b"<Tagging/>", "MalformedXML"),
        (b"<Other><TagSet/></Other>", "MalformedXML"),
        (b"<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>", "MalformedXML"),
        (b"<Tagging><TagSet><Other/></TagSet></Tagging>", "MalformedXML"),
    ],
)
async def test_tags_that_cannot_be(client: GatewayClient, body: bytes, code: str) -> None:
    await client.put("/data/key", b"x")
    reply = await client.put("/data/key", body, query="tagging")
    assert (reply.status, reply.code) == (400, code)
    assert await shown(client) == {}


async def test_ten_tags_of_full_length(client: GatewayClient) -> None:
    await client.put("/data/key", b"x")
    pairs = [(f"{i}" + "k" * 127, "v" * 256) for i in range(10)]
    assert (await client.put("/data/key", tagging(*pairs), query="tagging")).status == 200
    assert await shown(client) == dict(pairs)
