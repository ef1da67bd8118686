"""GetObject and HeadObject through the whole gateway, over an engine in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dataplane.contracts import BucketRecord, ObjectAttributes, ObjectHeaders, Versioning
from tests.support.gateway_client import GatewayClient
from tests.support.memory_directory import MemoryDirectory
from tests.support.memory_objects import MemoryObjects

BODY = bytes(range(100))
CRC32 = "mKhwig=="


@pytest.fixture
async def etag(client: GatewayClient) -> str:
    return (await client.put("/data/key", BODY)).headers["etag"]


@pytest.fixture
async def parts_etag(client: GatewayClient) -> str:
    """`/data/parts`: parts of 20, 30 and 10 bytes, uploaded as numbers 2, 5 and 9, with CRC32 composites."""
    start = await client.post("/data/parts", "uploads", headers={"x-amz-checksum-algorithm": "CRC32"})
    upload = start.xml.findtext("UploadId")
    lines = []
    for number, piece in ((2, BODY[:20]), (5, BODY[20:50]), (9, BODY[50:60])):
        part = await client.put(
            "/data/parts",
            piece,
            query=f"partNumber={number}&uploadId={upload}",
            headers={"x-amz-checksum-crc32": crc32(piece)},
        )
        lines.append(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{part.headers['etag']}</ETag>"
            f"<ChecksumCRC32>{part.headers['x-amz-checksum-crc32']}</ChecksumCRC32></Part>"
        )
    body = f"<CompleteMultipartUpload>{''.join(lines)}</CompleteMultipartUpload>".encode()
    done = await client.post("/data/parts", f"uploadId={upload}", body)
    assert done.status == 200, done.body
    return done.xml.findtext("ETag") or ""


def crc32(data: bytes) -> str:
    import base64
    import zlib

    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


# ---------------------------------------------------------------- whole


async def test_get_and_head_say_the_same(client: GatewayClient, etag: str) -> None:
    get, head = await client.get("/data/key"), await client.head("/data/key")
    assert (get.status, head.status) == (200, 200)
    assert (get.body, head.body) == (BODY, b"")
    ignored = {"x-amz-request-id", "date"}
    assert {k: v for k, v in get.headers.items() if k not in ignored} == {
        k: v for k, v in head.headers.items() if k not in ignored
    }
    assert get.headers["etag"] == etag
    assert get.headers["content-length"] == "100"
    assert get.headers["content-type"] == "binary/octet-stream"
    assert get.headers["accept-ranges"] == "bytes"
    assert get.headers["last-modified"] == "Fri, 20 Nov 2026 07:00:01 GMT"
    assert get.headers["x-amz-server-side-encryption"] == "AES256"


async def test_a_large_object_comes_in_pieces(client: GatewayClient, objects: MemoryObjects) -> None:
    body = BODY * 3000
    objects.piece_bytes = 65536
    await client.put("/data/key", body)
    reply = await client.get("/data/key")
    assert reply.body == body
    assert reply.pieces > 3
    assert reply.headers["content-length"] == str(len(body))


async def test_absent_keys(client: GatewayClient) -> None:
    reply = await client.get("/data/none")
    assert (reply.status, reply.code, reply.xml.findtext("Key")) == (404, "NoSuchKey", "none")
    head = await client.head("/data/none")
    assert (head.status, head.body) == (404, b"")


async def test_metadata_beyond_ascii_is_answered_as_an_encoded_word(
    client: GatewayClient, objects: MemoryObjects, bucket: BucketRecord, etag: str
) -> None:
    version = await objects.open(bucket, "key")
    state = objects._bucket(bucket)
    state.versions["key"] = [replace(version, user_metadata={"name": "Grüße 你好", "plain": "yes"})]
    reply = await client.head("/data/key")
    assert reply.headers["x-amz-meta-name"] == "=?UTF-8?B?R3LDvMOfZSDkvaDlpb0=?="
    assert reply.headers["x-amz-meta-plain"] == "yes"


async def test_a_stored_header_cannot_smuggle_another(
    client: GatewayClient, objects: MemoryObjects, bucket: BucketRecord, etag: str
) -> None:
    version = await objects.open(bucket, "key")
    headers = ObjectHeaders(content_type="text/plain\r\nx-evil: 1")
    objects._bucket(bucket).versions["key"] = [replace(version, headers=headers)]
    reply = await client.get("/data/key")
    assert reply.headers["content-type"] == "text/plainx-evil: 1"
    assert "x-evil" not in reply.headers


# ---------------------------------------------------------------- ranges


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 0)),
        ("bytes=0-99", (0, 99)),
        ("bytes=0-100", (0, 99)),
        ("bytes=0-999999", (0, 99)),
        ("bytes=50-", (50, 99)),
        ("bytes=99-99", (99, 99)),
        ("bytes=00-01", (0, 1)),
        ("bytes=-1", (99, 99)),
        ("bytes=-100", (0, 99)),
        ("bytes=-101", (0, 99)),
    ],
)
async def test_ranges(client: GatewayClient, etag: str, header: str, expected: tuple[int, int]) -> None:
    first, last = expected
    for reply in (
        await client.get("/data/key", headers={"Range": header}),
        await client.head("/data/key", headers={"Range": header}),
    ):
        assert reply.status == 206
        assert reply.headers["content-range"] == f"bytes {first}-{last}/100"
        assert reply.headers["content-length"] == str(last - first + 1)
    assert (await client.get("/data/key", headers={"Range": header})).body == BODY[first : last + 1]


@pytest.mark.parametrize(
    "header",
    [
        "bytes=,",
        "bytes= -1",
        "bytes=--1",
        "bytes=0 -1",
        "bytes=10-5",
        "bytes=abc",
        "foo=0-1",
        "bytes=100-x",
        "bytes=0-0,1-2",
        "bytes=-",
        "bytes",
        "",
    ],
)
async def test_what_is_no_single_range_is_ignored(client: GatewayClient, etag: str, header: str) -> None:
    reply = await client.get("/data/key", headers={"Range": header})
    assert (reply.status, reply.body) == (200, BODY)
    assert "content-range" not in reply.headers


@pytest.mark.parametrize("header", ["bytes=-0", "bytes=100-100", "bytes=100-", "bytes=100-110"])
async def test_ranges_outside(client: GatewayClient, etag: str, header: str) -> None:
    reply = await client.get("/data/key", headers={"Range": header})
    assert (reply.status, reply.code) == (416, "InvalidRange")
    assert reply.xml.findtext("ActualObjectSize") == "100"
    assert reply.xml.findtext("RangeRequested") == header
    assert reply.headers["content-range"] == "bytes */100"


async def test_ranges_of_an_empty_object(client: GatewayClient) -> None:
    await client.put("/data/key", b"")
    assert (await client.get("/data/key", headers={"Range": "bytes=0-"})).status == 416
    assert (await client.get("/data/key", headers={"Range": "bytes=40-50"})).status == 416
    suffix = await client.get("/data/key", headers={"Range": "bytes=-5"})
    assert (suffix.status, suffix.body) == (200, b"")


async def test_a_range_over_several_pieces(client: GatewayClient, objects: MemoryObjects) -> None:
    body = BODY * 3000
    objects.piece_bytes = 1000
    await client.put("/data/key", body)
    reply = await client.get("/data/key", headers={"Range": "bytes=99999-250001"})
    assert reply.body == body[99999:250002]


@pytest.mark.parametrize(
    ("validator", "status"),
    [
        ("same", 206),
        ('"other"', 200),
        ("Fri, 20 Nov 2026 07:00:01 GMT", 206),
        ("Fri, 20 Nov 2026 07:00:00 GMT", 200),
        ('W/"weak"', 200),
    ],
)
async def test_if_range(client: GatewayClient, etag: str, validator: str, status: int) -> None:
    value = etag if validator == "same" else validator
    reply = await client.get("/data/key", headers={"Range": "bytes=0-9", "If-Range": value})
    assert reply.status == status


# ---------------------------------------------------------------- parts


@pytest.mark.parametrize(("number", "start", "stop"), [(1, 0, 20), (2, 20, 50), (3, 50, 60)])
async def test_a_part_by_number(client: GatewayClient, parts_etag: str, number: int, start: int, stop: int) -> None:
    reply = await client.get("/data/parts", f"partNumber={number}", headers={"x-amz-checksum-mode": "ENABLED"})
    assert (reply.status, reply.body) == (206, BODY[start:stop])
    assert reply.headers["x-amz-mp-parts-count"] == "3"
    assert reply.headers["content-range"] == f"bytes {start}-{stop - 1}/60"
    assert reply.headers["etag"] == parts_etag
    assert reply.headers["x-amz-checksum-crc32"] == crc32(BODY[start:stop])
    assert reply.headers["x-amz-checksum-type"] == "COMPOSITE"
    head = await client.head("/data/parts", f"partNumber={number}")
    assert (head.status, head.headers["content-length"]) == (206, str(stop - start))
    assert head.headers["x-amz-mp-parts-count"] == "3"


async def test_the_whole_of_a_multipart_object(client: GatewayClient, parts_etag: str) -> None:
    reply = await client.get("/data/parts", headers={"x-amz-checksum-mode": "ENABLED"})
    assert (reply.status, reply.body) == (200, BODY[:60])
    assert reply.headers["x-amz-checksum-crc32"].endswith("-3")
    assert reply.headers["x-amz-checksum-type"] == "COMPOSITE"
    assert "x-amz-mp-parts-count" not in reply.headers
    crossing = await client.get("/data/parts", headers={"Range": "bytes=10-54", "x-amz-checksum-mode": "ENABLED"})
    assert crossing.body == BODY[10:55]
    assert "x-amz-checksum-crc32" not in crossing.headers


async def test_a_multipart_object_of_nothing(client: GatewayClient) -> None:
    upload = (await client.post("/data/none", "uploads")).xml.findtext("UploadId")
    part = await client.put("/data/none", b"", query=f"partNumber=1&uploadId={upload}")
    line = f"<Part><PartNumber>1</PartNumber><ETag>{part.headers['etag']}</ETag></Part>"
    body = f"<CompleteMultipartUpload>{line}</CompleteMultipartUpload>".encode()
    assert (await client.post("/data/none", f"uploadId={upload}", body)).status == 200
    for query in ("", "partNumber=1"):
        reply = await client.get("/data/none", query)
        assert (reply.status, reply.body, reply.headers["content-length"]) == (200, b"", "0")


async def test_a_single_object_is_its_own_part_one(client: GatewayClient, etag: str) -> None:
    reply = await client.get("/data/key", "partNumber=1")
    assert (reply.status, reply.body) == (206, BODY)
    assert "x-amz-mp-parts-count" not in reply.headers
    await client.put("/data/empty", b"")
    empty = await client.get("/data/empty", "partNumber=1")
    assert (empty.status, empty.body) == (200, b"")


@pytest.mark.parametrize(
    ("query", "headers", "expected"),
    [
        ("partNumber=4", {}, (416, "InvalidPartNumber")),
        ("partNumber=0", {}, (400, "InvalidArgument")),
        ("partNumber=10001", {}, (400, "InvalidArgument")),
        ("partNumber=x", {}, (400, "InvalidArgument")),
        ("partNumber=1", {"Range": "bytes=0-1"}, (400, "InvalidRequest")),
    ],
)
async def test_part_numbers_that_cannot_be(
    client: GatewayClient, parts_etag: str, query: str, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    reply = await client.get("/data/parts", query, headers=headers)
    assert (reply.status, reply.code) == expected


# ---------------------------------------------------------------- conditions

BEFORE, SAME, AFTER = (
    "Fri, 20 Nov 2026 07:00:00 GMT",
    "Fri, 20 Nov 2026 07:00:01 GMT",
    "Fri, 20 Nov 2026 07:00:02 GMT",
)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-Match": "same"}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": '"x", same'}, 200),
        ({"If-Match": "bare"}, 200),
        ({"If-Match": '"other"'}, 412),
        ({"If-None-Match": "same"}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-Unmodified-Since": BEFORE}, 412),
        ({"If-Unmodified-Since": SAME}, 200),
        ({"If-Unmodified-Since": "no date"}, 200),
        # If-Match that holds makes If-Unmodified-Since irrelevant.
        ({"If-Match": "same", "If-Unmodified-Since": BEFORE}, 200),
        # If-None-Match that does not hold makes If-Modified-Since irrelevant, and the other way round.
        ({"If-None-Match": '"other"', "If-Modified-Since": AFTER}, 200),
        ({"If-None-Match": "same", "If-Modified-Since": BEFORE}, 304),
        # A failed precondition comes before an unchanged one.
        ({"If-Match": '"other"', "If-None-Match": "same"}, 412),
    ],
)
async def test_conditional_reads(client: GatewayClient, etag: str, headers: dict[str, str], status: int) -> None:
    lines = {name: value.replace("same", etag).replace("bare", etag.strip('"')) for name, value in headers.items()}
    for reply in (await client.get("/data/key", headers=lines), await client.head("/data/key", headers=lines)):
        assert reply.status == status
        if status == 304:
            assert reply.headers["etag"] == etag
            assert reply.headers["last-modified"] == SAME
            assert reply.body == b""


async def test_not_modified_repeats_what_caches_need(
    client: GatewayClient, objects: MemoryObjects, bucket: BucketRecord
) -> None:
    await objects.set_versioning(bucket, Versioning.ENABLED)
    headers = {"cache-control": "max-age=60", "expires": "Thu, 01 Dec 1994 16:00:00 GMT"}
    put = await client.put("/data/key", BODY, headers=headers)
    reply = await client.get("/data/key", headers={"If-None-Match": put.headers["etag"]})
    assert (reply.status, reply.body) == (304, b"")
    assert {name: reply.headers[name] for name in headers} == headers
    assert reply.headers["x-amz-version-id"] == put.headers["x-amz-version-id"]


async def test_modified_since(client: GatewayClient, objects: MemoryObjects) -> None:
    """Dates in the past of the real clock: one in the future is no condition."""
    from datetime import UTC, datetime

    objects._now = datetime(2020, 1, 1, 12, 0, 0, tzinfo=UTC)
    await client.put("/data/key", BODY)
    for date, status in (
        ("Wed, 01 Jan 2020 12:00:00 GMT", 200),
        ("Wed, 01 Jan 2020 12:00:01 GMT", 304),
        ("Wed, 01 Jan 2020 12:00:02 GMT", 304),
        ("2020-01-01T12:00:05Z", 304),
        ("Fri, 01 Jan 2100 12:00:00 GMT", 200),
    ):
        assert (await client.get("/data/key", headers={"If-Modified-Since": date})).status == status, date


# ---------------------------------------------------------------- response headers, rights, versions


async def test_response_header_overrides(client: GatewayClient, etag: str) -> None:
    reply = await client.get(
        "/data/key",
        {
            "response-content-type": "text/plain",
            "response-content-language": "de",
            "response-expires": "never",
            "response-cache-control": "no-cache",
            "response-content-disposition": "attachment",
            "response-content-encoding": "gzip",
        },
    )
    assert reply.status == 200
    assert [reply.headers[f"content-{n}"] for n in ("type", "language", "disposition", "encoding")] == [
        "text/plain", "de", "attachment", "gzip",
    ]  # fmt: skip
    assert (reply.headers["expires"], reply.headers["cache-control"]) == ("never", "no-cache")
    split = await client.get("/data/key", {"response-content-type": "a\r\nx-evil: 1"})
    assert "x-evil" not in split.headers


async def test_overrides_are_for_signed_requests(
    directory: MemoryDirectory, client: GatewayClient, anonymous: GatewayClient
) -> None:
    directory.add_bucket("open", public_read=True)
    await client.put("/open/key", BODY)
    assert (await anonymous.get("/open/key")).body == BODY
    reply = await anonymous.get("/open/key", "response-content-type=text/html")
    assert (reply.status, reply.code) == (400, "InvalidRequest")


async def test_who_may_not_list_is_not_told_what_is_absent(
    directory: MemoryDirectory, client: GatewayClient, anonymous: GatewayClient, stranger: GatewayClient
) -> None:
    directory.add_bucket("open", public_read=True)
    assert (await anonymous.get("/open/none")).code == "AccessDenied"
    assert (await stranger.get("/data/none")).code == "AccessDenied"
    assert (await anonymous.get("/data/none")).code == "AccessDenied"


async def test_versions(client: GatewayClient, objects: MemoryObjects, bucket: BucketRecord, etag: str) -> None:
    await objects.set_versioning(bucket, Versioning.ENABLED)
    second = (await client.put("/data/key", b"second")).headers["x-amz-version-id"]
    marker = await client.delete("/data/key")
    marker_id = marker.headers["x-amz-version-id"]
    assert marker.headers["x-amz-delete-marker"] == "true"

    gone = await client.get("/data/key")
    assert (gone.status, gone.code) == (404, "NoSuchKey")
    assert gone.headers["x-amz-delete-marker"] == "true"
    assert gone.headers["x-amz-version-id"] == marker_id

    named = await client.get("/data/key", f"versionId={second}")
    assert (named.body, named.headers["x-amz-version-id"]) == (b"second", second)
    null = await client.get("/data/key", "versionId=null")
    assert (null.body, null.headers["x-amz-version-id"]) == (BODY, "null")

    of_marker = await client.get("/data/key", f"versionId={marker_id}")
    assert (of_marker.status, of_marker.code) == (405, "MethodNotAllowed")
    assert of_marker.headers["x-amz-delete-marker"] == "true"
    assert of_marker.headers["allow"] == "DELETE"
    absent = await client.get("/data/key", "versionId=nonsense")
    assert (absent.status, absent.code) == (404, "NoSuchVersion")
    empty = await client.get("/data/key", "versionId=")
    assert (empty.status, empty.code) == (400, "InvalidArgument")


async def test_attributes_of_a_version_are_answered(
    client: GatewayClient, objects: MemoryObjects, bucket: BucketRecord, etag: str
) -> None:
    version = await objects.open(bucket, "key")
    attributes = ObjectAttributes(storage_class="STANDARD_IA")
    objects._bucket(bucket).versions["key"] = [
        replace(version, storage_class=attributes.storage_class, legal_hold=True, tags={"a": "b"})
    ]
    reply = await client.head("/data/key")
    assert reply.headers["x-amz-storage-class"] == "STANDARD_IA"
    assert reply.headers["x-amz-object-lock-legal-hold"] == "ON"
    assert reply.headers["x-amz-tagging-count"] == "1"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("x-amz-server-side-encryption", "InvalidArgument"),
        ("x-amz-server-side-encryption-customer-algorithm", "InvalidRequest"),
    ],
)
async def test_how_to_encrypt_is_no_question_of_a_read(
    client: GatewayClient, etag: str, header: str, code: str
) -> None:
    reply = await client.get("/data/key", headers={header: "AES256"})
    assert (reply.status, reply.code) == (400, code)
    assert (await client.head("/data/key", headers={header: "AES256"})).status == 400
