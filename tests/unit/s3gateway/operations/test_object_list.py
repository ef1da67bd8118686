"""ListObjects, ListObjectsV2, ListObjectVersions through the whole gateway, over an engine in memory."""

from __future__ import annotations

import pytest

from dataplane.contracts import BucketRecord, Versioning
from tests.support.gateway_client import GatewayClient
from tests.support.memory_objects import MemoryObjects

KEYS = ["a", "b/1", "b/2", "b/c/3", "d", "e/4"]


@pytest.fixture
async def filled(client: GatewayClient) -> GatewayClient:
    for key in KEYS:
        await client.put(f"/data/{key}", b"x")
    return client


# ---------------------------------------------------------------- version 2


async def test_the_elements_in_their_order(filled: GatewayClient) -> None:
    reply = await filled.get("/data", "list-type=2&delimiter=/&prefix=b/")
    assert reply.headers["content-type"] == "application/xml"
    assert [child.tag for child in reply.xml] == [
        "Name", "Prefix", "KeyCount", "MaxKeys", "Delimiter", "IsTruncated", "Contents", "Contents", "CommonPrefixes",
    ]  # fmt: skip
    contents = reply.xml.find("Contents")
    assert contents is not None
    assert {child.tag: child.text for child in contents} == {
        "Key": "b/1",
        "LastModified": "2026-11-20T07:00:02.000Z",
        "ETag": '"9dd4e461268c8034f5c8564e155c67a6"',
        "ChecksumAlgorithm": "CRC64NVME",
        "ChecksumType": "FULL_OBJECT",
        "Size": "1",
        "StorageClass": "STANDARD",
    }
    assert reply.all("CommonPrefixes/Prefix") == ["b/c/"]
    assert reply.xml.findtext("KeyCount") == "3"
    assert reply.xml.findtext("IsTruncated") == "false"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6, 1000])
@pytest.mark.parametrize("delimiter", ["", "/"])
async def test_pages_join_to_the_whole(filled: GatewayClient, size: int, delimiter: str) -> None:
    seen: list[str] = []
    token = None
    while True:
        query = {"list-type": "2", "max-keys": str(size), "delimiter": delimiter}
        if token is not None:
            query["continuation-token"] = token
        reply = await filled.get("/data", query)
        page = reply.all("Contents/Key") + reply.all("CommonPrefixes/Prefix")
        assert len(page) <= size
        assert reply.xml.findtext("KeyCount") == str(len(page))
        assert reply.xml.findtext("ContinuationToken") == token
        seen += sorted(page)
        token = reply.xml.findtext("NextContinuationToken")
        assert reply.xml.findtext("IsTruncated") == ("false" if token is None else "true")
        if token is None:
            break
    assert seen == (["a", "b/", "d", "e/"] if delimiter else KEYS)


async def test_start_after_and_owner(filled: GatewayClient) -> None:
    reply = await filled.get("/data", "list-type=2&start-after=b/2&fetch-owner=true&max-keys=2")
    assert reply.all("Contents/Key") == ["b/c/3", "d"]
    assert reply.all("Contents/Owner/ID") == ["acme", "acme"]
    assert reply.xml.findtext("StartAfter") == "b/2"
    token = reply.xml.findtext("NextContinuationToken") or ""
    # A token wins over start-after.
    reply = await filled.get("/data", {"list-type": "2", "start-after": "zzz", "continuation-token": token})
    assert reply.all("Contents/Key") == ["e/4"]
    assert reply.all("Contents/Owner/ID") == []


async def test_tokens_are_ours_or_refused(filled: GatewayClient) -> None:
    for token in ("nonsense", "x" * 5000, "MTIzNDU2Nzg5MA"):
        reply = await filled.get("/data", {"list-type": "2", "continuation-token": token})
        assert (reply.status, reply.code) == (400, "InvalidArgument")
    reply = await filled.get("/data", {"list-type": "2", "continuation-token": ""})
    assert (reply.all("Contents/Key"), reply.xml.findtext("ContinuationToken")) == (KEYS, "")


# ---------------------------------------------------------------- version 1


async def test_version_one(filled: GatewayClient) -> None:
    reply = await filled.get("/data", "max-keys=2&delimiter=/")
    assert [child.tag for child in reply.xml][:4] == ["Name", "Prefix", "Marker", "NextMarker"]
    assert (reply.all("Contents/Key"), reply.all("CommonPrefixes/Prefix")) == (["a"], ["b/"])
    assert reply.xml.findtext("NextMarker") == "b/"
    assert reply.all("Contents/Owner/DisplayName") == ["acme"]
    reply = await filled.get("/data", "max-keys=2&delimiter=/&marker=b/")
    assert (reply.all("Contents/Key"), reply.all("CommonPrefixes/Prefix")) == (["d"], ["e/"])
    assert reply.xml.findtext("Marker") == "b/"


async def test_next_marker_needs_a_delimiter(filled: GatewayClient) -> None:
    reply = await filled.get("/data", "max-keys=2")
    assert reply.xml.findtext("IsTruncated") == "true"
    assert reply.xml.find("NextMarker") is None


# ---------------------------------------------------------------- parameters


@pytest.mark.parametrize("query", ["", "list-type=2&", "versions&"])
@pytest.mark.parametrize("value", ["-1", "x", "2147483648", "1.5"])
async def test_limits_that_cannot_be(filled: GatewayClient, query: str, value: str) -> None:
    reply = await filled.get("/data", f"{query}max-keys={value}")
    assert (reply.status, reply.code) == (400, "InvalidArgument")
    assert reply.xml.findtext("ArgumentName") == "max-keys"


@pytest.mark.parametrize("query", ["", "list-type=2&", "versions&"])
async def test_limits_of_nothing_and_of_too_much(filled: GatewayClient, query: str) -> None:
    reply = await filled.get("/data", f"{query}max-keys=0")
    assert (reply.status, reply.xml.findtext("MaxKeys"), reply.xml.findtext("IsTruncated")) == (200, "0", "false")
    assert reply.all("Contents/Key") + reply.all("Version/Key") == []
    assert (await filled.get("/data", f"{query}max-keys=2147483647")).xml.findtext("MaxKeys") == "1000"
    assert (await filled.get("/data", f"{query}max-keys=")).xml.findtext("MaxKeys") == "1000"


@pytest.mark.parametrize("query", ["", "list-type=2&", "versions&"])
async def test_url_encoding(client: GatewayClient, query: str) -> None:
    for key in ("foo+1/bar", "foo/bar/xyzzy", "quux ab/thud", "asdf+b", "ü\n/x"):
        await client.put(f"/data/{key}", b"x")
    reply = await client.get("/data", f"{query}delimiter=/&encoding-type=url")
    assert reply.all("Contents/Key") + reply.all("Version/Key") == ["asdf%2Bb"]
    assert reply.all("CommonPrefixes/Prefix") == ["foo%2B1/", "foo/", "quux%20ab/", "%C3%BC%0A/"]
    assert reply.xml.findtext("EncodingType") == "url"
    assert reply.xml.findtext("Delimiter") == "/"
    refused = await client.get("/data", f"{query}encoding-type=base64")
    assert (refused.status, refused.code) == (400, "InvalidArgument")


async def test_keys_without_encoding_are_escaped_as_xml(client: GatewayClient) -> None:
    for key in ("a&b<c>", 'q"uote', " space "):
        await client.put(f"/data/{key}", b"x")
    assert (await client.get("/data", "list-type=2")).all("Contents/Key") == [" space ", "a&b<c>", 'q"uote']


async def test_keys_come_in_the_order_of_their_bytes(client: GatewayClient) -> None:
    keys = ["Z", "a", "é", "z", "\uffee", "\U0001f600"]
    for key in keys:
        await client.put(f"/data/{key}", b"x")
    expected = sorted(keys, key=str.encode)
    assert (await client.get("/data", "list-type=2")).all("Contents/Key") == expected


async def test_an_empty_bucket_and_no_bucket(client: GatewayClient) -> None:
    reply = await client.get("/data", "list-type=2")
    assert (reply.status, reply.all("Contents/Key"), reply.xml.findtext("KeyCount")) == (200, [], "0")
    reply = await client.get("/nowhere", "list-type=2")
    assert (reply.status, reply.code) == (404, "NoSuchBucket")


# ---------------------------------------------------------------- versions


@pytest.fixture
async def versions(client: GatewayClient, objects: MemoryObjects, bucket: BucketRecord) -> list[tuple[str, str]]:
    """(key, version id) in the order of the listing: newest first within a key."""
    await client.put("/data/a", b"null")
    await objects.set_versioning(bucket, Versioning.ENABLED)
    second = (await client.put("/data/a", b"2")).headers["x-amz-version-id"]
    marker = (await client.delete("/data/a")).headers["x-amz-version-id"]
    other = (await client.put("/data/b", b"1")).headers["x-amz-version-id"]
    return [("a", marker), ("a", second), ("a", "null"), ("b", other)]


async def test_versions_and_markers_in_one_sequence(client: GatewayClient, versions: list[tuple[str, str]]) -> None:
    reply = await client.get("/data", "versions")
    rows = [child for child in reply.xml if child.tag in ("Version", "DeleteMarker")]
    assert [row.tag for row in rows] == ["DeleteMarker", "Version", "Version", "Version"]
    assert [(row.findtext("Key"), row.findtext("VersionId")) for row in rows] == versions
    assert [row.findtext("IsLatest") for row in rows] == ["true", "false", "false", "true"]
    assert [row.findtext("Size") for row in rows] == [None, "1", "4", "1"]


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_pages_of_versions(client: GatewayClient, versions: list[tuple[str, str]], size: int) -> None:
    seen: list[tuple[str | None, str | None]] = []
    query = {"versions": "", "max-keys": str(size)}
    while True:
        reply = await client.get("/data", query)
        rows = [child for child in reply.xml if child.tag in ("Version", "DeleteMarker")]
        seen += [(row.findtext("Key"), row.findtext("VersionId")) for row in rows]
        if reply.xml.findtext("IsTruncated") == "false":
            break
        query["key-marker"] = reply.xml.findtext("NextKeyMarker") or ""
        query["version-id-marker"] = reply.xml.findtext("NextVersionIdMarker") or ""
    assert seen == versions


async def test_a_version_marker_needs_a_key_marker(client: GatewayClient) -> None:
    reply = await client.get("/data", "versions&version-id-marker=x")
    assert (reply.status, reply.code) == (400, "InvalidArgument")
    assert (await client.get("/data", "versions&key-marker=a&version-id-marker=")).status == 200
