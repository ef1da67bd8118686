"""Multipart uploads through the whole gateway, over an engine in memory (smallest part: 16 bytes)."""

from __future__ import annotations

import base64
import hashlib
import zlib
from dataclasses import dataclass

import pytest

from tests.support.gateway_client import GatewayClient, Reply
from tests.support.memory_objects import MemoryObjects

PIECES = (b"a" * 20, b"b" * 30, b"c" * 5)
WHOLE = b"".join(PIECES)
ETAG = '"' + hashlib.md5(b"".join(hashlib.md5(piece).digest() for piece in PIECES)).hexdigest() + '-3"'


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def composite_crc32() -> str:
    return crc32(b"".join(zlib.crc32(piece).to_bytes(4, "big") for piece in PIECES)) + "-3"


@dataclass
class Upload:
    client: GatewayClient
    id: str
    path: str = "/data/key"

    async def part(self, number: int | str, body: bytes, **headers: str) -> Reply:
        return await self.client.put(self.path, body, query=f"partNumber={number}&uploadId={self.id}", headers=headers)

    async def complete(self, *parts: str, **headers: str) -> Reply:
        body = f"<CompleteMultipartUpload>{''.join(parts)}</CompleteMultipartUpload>".encode()
        lines = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(self.path, f"uploadId={self.id}", body, headers=lines)

    async def upload_all(self, checksums: bool = False) -> list[str]:
        """Uploads PIECES and gives the lines for `complete`."""
        lines = []
        for number, piece in enumerate(PIECES, start=1):
            headers = {"x-amz-checksum-crc32": crc32(piece)} if checksums else {}
            reply = await self.part(number, piece, **headers)
            assert reply.status == 200, reply.body
            lines.append(line(number, reply.headers["etag"], ChecksumCRC32=crc32(piece) if checksums else None))
        return lines


def line(number: int | str, etag: str, **checksums: str | None) -> str:
    more = "".join(f"<{name}>{value}</{name}>" for name, value in checksums.items() if value is not None)
    return f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag>{more}</Part>"


async def start(client: GatewayClient, path: str = "/data/key", **headers: str) -> Upload:
    reply = await client.post(path, "uploads", headers={n.replace("_", "-"): v for n, v in headers.items()})
    assert reply.status == 200, reply.body
    assert [child.tag for child in reply.xml] == ["Bucket", "Key", "UploadId"]
    return Upload(client, reply.xml.findtext("UploadId") or "", path)


# ---------------------------------------------------------------- the whole way


async def test_an_upload_in_three_parts(client: GatewayClient) -> None:
    upload = await start(client, content_type="text/plain", x_amz_meta_a="1", x_amz_tagging="t=1")
    done = await upload.complete(*await upload.upload_all())
    assert (done.status, done.xml.tag) == (200, "CompleteMultipartUploadResult")
    assert [child.tag for child in done.xml] == [
        "Location", "Bucket", "Key", "ETag", "ChecksumCRC64NVME", "ChecksumType",
    ]  # fmt: skip
    assert done.xml.findtext("ETag") == ETAG
    assert done.xml.findtext("ChecksumType") == "FULL_OBJECT"
    assert done.xml.findtext("Location") == "http://s3.test/data/key"
    made = await client.get("/data/key")
    assert (made.body, made.headers["etag"]) == (WHOLE, ETAG)
    assert (made.headers["content-type"], made.headers["x-amz-meta-a"]) == ("text/plain", "1")
    assert made.headers["x-amz-tagging-count"] == "1"


async def test_nothing_is_there_before_the_completion_and_a_repetition_answers_alike(client: GatewayClient) -> None:
    upload = await start(client)
    lines = await upload.upload_all()
    assert (await client.get("/data/key")).status == 404
    first, again = await upload.complete(*lines), await upload.complete(*lines)
    assert (again.status, again.body) == (200, first.body)


async def test_a_part_uploaded_again_replaces_the_first(client: GatewayClient) -> None:
    upload = await start(client)
    old = (await upload.part(1, b"old")).headers["etag"]
    new = (await upload.part(1, b"new")).headers["etag"]
    assert (await upload.complete(line(1, old))).code == "InvalidPart"
    assert (await upload.complete(line(1, new))).status == 200
    assert (await client.get("/data/key")).body == b"new"


async def test_parts_may_be_left_out_and_numbered_with_gaps(client: GatewayClient) -> None:
    upload = await start(client)
    etags = {number: (await upload.part(number, b"%05d" % number * 4)).headers["etag"] for number in (10000, 7, 3)}
    assert (await upload.complete(line(3, etags[3]), line(10000, etags[10000]))).status == 200
    assert (await client.get("/data/key")).body == b"00003" * 4 + b"10000" * 4


async def test_an_aborted_upload_is_gone(client: GatewayClient) -> None:
    upload = await start(client)
    await upload.part(1, b"x")
    query = f"uploadId={upload.id}"
    assert (await client.delete("/data/key", query)).status == 204
    assert (await client.delete("/data/key", query)).code == "NoSuchUpload"
    assert (await upload.part(1, b"x")).code == "NoSuchUpload"
    assert (await upload.complete(line(1, "x"))).code == "NoSuchUpload"
    assert (await client.get("/data/key", query)).code == "NoSuchUpload"


async def test_an_upload_belongs_to_its_key(client: GatewayClient) -> None:
    upload = await start(client)
    reply = await client.put("/data/other", b"x", query=f"partNumber=1&uploadId={upload.id}")
    assert (reply.status, reply.code) == (404, "NoSuchUpload")


async def test_a_part_in_chunks(client: GatewayClient) -> None:
    upload = await start(client)
    reply = await client.put_streaming("/data/key", [b"chunked"], query=f"partNumber=1&uploadId={upload.id}")
    assert reply.headers["etag"] == f'"{hashlib.md5(b"chunked").hexdigest()}"'


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize("number", ["0", "10001", "-1", "x", ""])
async def test_part_numbers_that_cannot_be(client: GatewayClient, number: str) -> None:
    upload = await start(client)
    reply = await upload.part(number, b"x")
    assert (reply.status, reply.code) == (400, "InvalidArgument")


async def test_a_part_with_a_wrong_digest_is_not_kept(client: GatewayClient) -> None:
    upload = await start(client)
    md5 = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    assert (await upload.part(1, b"x", **{"Content-MD5": md5})).code == "BadDigest"
    assert (await upload.part(1, b"x", **{"x-amz-checksum-crc32": "AAAAAA=="})).code == "BadDigest"
    assert (await client.get("/data/key", f"uploadId={upload.id}")).all("Part/PartNumber") == []


async def test_documents_that_cannot_be(client: GatewayClient) -> None:
    upload = await start(client)
    first, second, _ = await upload.upload_all()
    for parts, code in (
        ((), "MalformedXML"),
        (("<Part><PartNumber>1</PartNumber></Part>",), "MalformedXML"),
        (("<Part><ETag>x</ETag></Part>",), "MalformedXML"),
        ((line("x", "y"),), "MalformedXML"),
        ((line(0, "y"),), "InvalidArgument"),
        ((line(10001, "y"),), "InvalidArgument"),
        ((second, first), "InvalidPartOrder"),
        ((first, first), "InvalidPartOrder"),
        ((line(4, "none"),), "InvalidPart"),
        ((line(1, "none"),), "InvalidPart"),
        ((line(1, "x", ChecksumCRC32="bad"),), "InvalidArgument"),
    ):
        reply = await upload.complete(*parts)
        assert (reply.status, reply.code) == (400, code), parts
    assert (await client.post("/data/key", f"uploadId={upload.id}", b"")).code == "MalformedXML"


async def test_only_the_last_part_may_be_small(client: GatewayClient) -> None:
    upload = await start(client)
    etags = [(await upload.part(number, b"small")).headers["etag"] for number in (1, 2)]
    reply = await upload.complete(line(1, etags[0]), line(2, etags[1]))
    assert (reply.status, reply.code) == (400, "EntityTooSmall")


async def test_conditions_of_the_completion(client: GatewayClient) -> None:
    await client.put("/data/key", b"there")
    upload = await start(client)
    lines = await upload.upload_all()
    assert (await upload.complete(*lines, if_none_match="*")).code == "PreconditionFailed"
    assert (await upload.complete(*lines, if_match='"other"')).code == "PreconditionFailed"
    etag = (await client.head("/data/key")).headers["etag"]
    assert (await upload.complete(*lines, if_match=etag)).status == 200


@pytest.mark.parametrize(("value", "status"), [("55", 200), ("-1", 400), ("x", 400)])
async def test_the_announced_size_is_a_number(client: GatewayClient, value: str, status: int) -> None:
    upload = await start(client)
    assert (await upload.complete(*await upload.upload_all(), x_amz_mp_object_size=value)).status == status


# ---------------------------------------------------------------- checksums


async def test_composite_checksums(client: GatewayClient) -> None:
    reply = await client.post("/data/key", "uploads", headers={"x-amz-checksum-algorithm": "crc32"})
    assert reply.headers["x-amz-checksum-algorithm"] == "CRC32"
    assert reply.headers["x-amz-checksum-type"] == "COMPOSITE"
    upload = Upload(client, reply.xml.findtext("UploadId") or "")
    lines = await upload.upload_all(checksums=True)
    done = await upload.complete(*lines, x_amz_checksum_crc32=composite_crc32())
    assert done.status == 200, done.body
    assert done.xml.findtext("ChecksumCRC32") == composite_crc32()
    assert done.xml.findtext("ChecksumType") == "COMPOSITE"


async def test_composites_need_a_checksum_of_each_part(client: GatewayClient) -> None:
    upload = await start(client, x_amz_checksum_algorithm="CRC32")
    refused = await upload.part(1, b"x")
    assert (refused.status, refused.code) == (400, "InvalidRequest")
    assert "expected checksum Type: crc32, actual checksum Type: null" in (refused.xml.findtext("Message") or "")
    other = await upload.part(1, b"x", **{"x-amz-checksum-sha1": "EfatjsUqKYSrqv18sMHWpIrIPkk="})
    assert "actual checksum Type: sha1" in (other.xml.findtext("Message") or "")
    part = await upload.part(1, b"x", **{"x-amz-checksum-crc32": crc32(b"x")})
    wrong = await upload.complete(line(1, part.headers["etag"], ChecksumCRC32="AAAAAA=="))
    assert wrong.code == "InvalidPart"
    foreign = await upload.complete(line(1, part.headers["etag"], ChecksumSHA1="EfatjsUqKYSrqv18sMHWpIrIPkk="))
    assert foreign.code == "BadDigest"
    # The checksum was proven with the part: it need not be repeated.
    assert (await upload.complete(line(1, part.headers["etag"]))).status == 200


async def test_full_object_checksums_need_none_of_a_part(client: GatewayClient) -> None:
    upload = await start(client, x_amz_checksum_algorithm="CRC32", x_amz_checksum_type="FULL_OBJECT")
    lines = await upload.upload_all()
    assert (await upload.part(1, PIECES[0])).headers["x-amz-checksum-crc32"] == crc32(PIECES[0])
    for value in (crc32(b"other"), "bad", "AAAAAA==-3"):
        assert (await upload.complete(*lines, x_amz_checksum_crc32=value)).code == "BadDigest"
    done = await upload.complete(*lines, x_amz_checksum_crc32=crc32(WHOLE), x_amz_checksum_type="FULL_OBJECT")
    assert done.xml.findtext("ChecksumCRC32") == crc32(WHOLE)


async def test_announcements_of_another_algorithm(client: GatewayClient) -> None:
    sha1 = "EfatjsUqKYSrqv18sMHWpIrIPkk="
    upload = await start(client, x_amz_checksum_algorithm="CRC32", x_amz_checksum_type="FULL_OBJECT")
    assert (await upload.complete(*await upload.upload_all(), x_amz_checksum_sha1=sha1)).code == "BadDigest"
    # Nobody asked for a checksum: only the CRC64NVME of the store's own is compared.
    default = await start(client)
    assert (await default.complete(*await default.upload_all(), x_amz_checksum_sha1=sha1)).status == 200


async def test_documents_of_something_else(client: GatewayClient) -> None:
    upload = await start(client)
    reply = await client.post("/data/key", f"uploadId={upload.id}", b"<Other><Part/></Other>")
    assert (reply.status, reply.code) == (400, "MalformedXML")
    unknown = await upload.complete(line(1, "x"), x_amz_checksum_md5="XrY7u+Ae7tCTyyK7j1rNww==")
    assert unknown.code == "InvalidRequest"


async def test_the_default_upload_takes_parts_with_any_checksum(client: GatewayClient) -> None:
    """What boto3 does by itself: no algorithm at the start, CRC32 with each part, none at the end."""
    upload = await start(client)
    part = await upload.part(1, b"x", **{"x-amz-checksum-crc32": crc32(b"x")})
    assert part.headers["x-amz-checksum-crc32"] == crc32(b"x")
    done = await upload.complete(line(1, part.headers["etag"], ChecksumCRC32=crc32(b"x")))
    assert done.status == 200
    assert done.xml.find("ChecksumCRC32") is None
    assert done.xml.findtext("ChecksumCRC64NVME")


@pytest.mark.parametrize(
    "headers",
    [
        {"x_amz_checksum_algorithm": "MD4"},
        {"x_amz_checksum_type": "COMPOSITE"},
        {"x_amz_checksum_algorithm": "CRC32", "x_amz_checksum_type": "WHOLE"},
        {"x_amz_checksum_algorithm": "SHA1", "x_amz_checksum_type": "FULL_OBJECT"},
        {"x_amz_checksum_algorithm": "CRC64NVME", "x_amz_checksum_type": "COMPOSITE"},
    ],
)
async def test_checksums_that_an_upload_cannot_have(client: GatewayClient, headers: dict[str, str]) -> None:
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    reply = await client.post("/data/key", "uploads", headers=lines)
    assert (reply.status, reply.code) == (400, "InvalidRequest")


async def test_the_type_must_be_that_of_the_upload(client: GatewayClient) -> None:
    upload = await start(client, x_amz_checksum_algorithm="CRC32", x_amz_checksum_type="FULL_OBJECT")
    lines = await upload.upload_all()
    for value in ("COMPOSITE", "nonsense"):
        assert (await upload.complete(*lines, x_amz_checksum_type=value)).code == "InvalidRequest"
    two = await upload.complete(*lines, x_amz_checksum_crc32="AAAAAA==", x_amz_checksum_sha1="AA==")
    assert two.code == "InvalidRequest"


# ---------------------------------------------------------------- listings


async def test_parts_by_pages(client: GatewayClient) -> None:
    upload = await start(client, x_amz_storage_class="STANDARD_IA")
    await upload.upload_all()
    reply = await client.get("/data/key", f"uploadId={upload.id}&max-parts=2")
    assert [child.tag for child in reply.xml] == [
        "Bucket", "Key", "UploadId", "Initiator", "Owner", "StorageClass", "PartNumberMarker", "NextPartNumberMarker",
        "MaxParts", "IsTruncated", "ChecksumAlgorithm", "ChecksumType", "Part", "Part",
    ]  # fmt: skip
    assert reply.all("Part/PartNumber") == ["1", "2"]
    assert reply.all("Part/Size") == ["20", "30"]
    assert reply.xml.findtext("StorageClass") == "STANDARD_IA"
    assert (reply.xml.findtext("NextPartNumberMarker"), reply.xml.findtext("IsTruncated")) == ("2", "true")
    reply = await client.get("/data/key", f"uploadId={upload.id}&part-number-marker=2")
    assert (reply.all("Part/PartNumber"), reply.xml.findtext("IsTruncated")) == (["3"], "false")
    reply = await client.get("/data/key", f"uploadId={upload.id}&max-parts=0")
    assert (reply.all("Part/PartNumber"), reply.xml.findtext("IsTruncated")) == ([], "false")
    for query in ("max-parts=-1", "max-parts=x", "part-number-marker=x", "part-number-marker=-1"):
        assert (await client.get("/data/key", f"uploadId={upload.id}&{query}")).code == "InvalidArgument"


async def test_uploads_by_pages(client: GatewayClient) -> None:
    for path in ("/data/a", "/data/a", "/data/b/1", "/data/b/2", "/data/c"):
        await start(client, path)
    reply = await client.get("/data", "uploads&max-uploads=1")
    assert reply.all("Upload/Key") == ["a"]
    assert reply.xml.findtext("IsTruncated") == "true"
    query = {
        "uploads": "",
        "key-marker": reply.xml.findtext("NextKeyMarker") or "",
        "upload-id-marker": reply.xml.findtext("NextUploadIdMarker") or "",
    }
    reply = await client.get("/data", query)
    assert reply.all("Upload/Key") == ["a", "b/1", "b/2", "c"]
    assert reply.all("Upload/Initiator/ID") == ["acme"] * 4
    reply = await client.get("/data", "uploads&delimiter=/")
    assert (reply.all("Upload/Key"), reply.all("CommonPrefixes/Prefix")) == (["a", "a", "c"], ["b/"])
    reply = await client.get("/data", "uploads&prefix=b/&encoding-type=url")
    assert (reply.all("Upload/Key"), reply.xml.findtext("EncodingType")) == (["b/1", "b/2"], "url")
    # An upload-id-marker alone is ignored.
    assert len((await client.get("/data", "uploads&upload-id-marker=zzz")).all("Upload/Key")) == 5
    assert (await client.get("/data", "uploads&max-uploads=x")).code == "InvalidArgument"


# ---------------------------------------------------------------- rights, reserved keys


async def test_strangers_and_reserved_keys(client: GatewayClient, stranger: GatewayClient) -> None:
    upload = await start(client)
    assert (await Upload(stranger, upload.id).part(1, b"x")).code == "AccessDenied"
    assert (await stranger.post("/data/key", "uploads")).code == "AccessDenied"
    assert (await client.post("/data/_anvil/x", "uploads")).status == 403


async def test_engine_and_gateway_agree_on_what_is_kept(client: GatewayClient, objects: MemoryObjects) -> None:
    upload = await start(client)
    await upload.part(1, b"x", **{"x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(b"x").digest()).decode()})
    (kept,) = objects._uploads[upload.id].parts.values()
    assert kept.checksum is not None
    assert kept.checksum.algorithm.name == "CRC64NVME"
