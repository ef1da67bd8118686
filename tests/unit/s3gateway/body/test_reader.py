"""`RequestBody` as the engine uses it: pieces, digests, finish; and its shortcut for documents."""

from __future__ import annotations

import base64
import hashlib

import pytest

from dataplane.contracts import Checksum, ChecksumAlgorithm
from s3gateway.auth.chunk_signature import ChunkSigner
from s3gateway.auth.payload import UNSIGNED, PayloadAuthentication, PayloadKind
from s3gateway.body.reader import RequestBody, open_body
from s3gateway.errors import S3Error
from s3gateway.request import S3Request
from s3gateway.settings import GatewaySettings
from s3gateway.stream import RequestStream
from tests.support.chunked_bodies import DATE, SCOPE, ChunkSigning, chunked_body, signing_key

BODY = b"hello world"
SEED = "ab" * 32


def stream_of(*pieces: bytes) -> RequestStream:
    waiting = list(pieces) or [b""]

    async def receive() -> dict[str, object]:
        piece = waiting.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

    return RequestStream(receive)


def body_of(
    *pieces: bytes, payload: PayloadAuthentication = UNSIGNED, headers: dict[bytes, bytes] | None = None
) -> RequestBody:
    lines = {b"content-length": str(sum(map(len, pieces))).encode(), **(headers or {})}
    request = S3Request("PUT", b"/b/k", b"", lines)
    return open_body(stream_of(*pieces), request, payload, GatewaySettings(max_put_bytes=1000))


async def consume(body: RequestBody) -> bytes:
    """As the engine does: every piece to every digest, then `finish`."""
    out = b""
    async for piece in body.pieces():
        for digest in body.digests:
            digest.update(piece)
        out += piece
    body.finish()
    return out


async def test_digests_are_those_of_an_object_by_default() -> None:
    body = body_of(BODY[:5], BODY[5:])
    assert [digest.parallel for digest in body.digests] == [True, False]
    assert await consume(body) == BODY
    assert body.md5_hex == hashlib.md5(BODY).hexdigest()
    assert body.checksum == Checksum(ChecksumAlgorithm.CRC64NVME, "jSnVw/bqjr4=")
    assert body.announced_value() is None


async def test_pieces_alone_choose_the_digests_too() -> None:
    body = body_of(BODY)
    pieces = [piece async for piece in body.pieces()]
    assert pieces == [BODY]
    assert len(body.digests) == 2


async def test_one_sha256_serves_payload_and_checksum() -> None:
    digest = hashlib.sha256(BODY)
    payload = PayloadAuthentication(PayloadKind.SIGNED, digest.hexdigest())
    headers = {b"x-amz-checksum-sha256": base64.b64encode(digest.digest())}
    body = body_of(BODY, payload=payload, headers=headers)
    assert len(body.digests) == 2
    await consume(body)
    assert body.checksum is not None
    assert body.checksum.value == base64.b64encode(digest.digest()).decode()


async def test_a_stored_checksum_beside_the_sent_one() -> None:
    body = body_of(BODY, headers={b"x-amz-checksum-crc32": b"DUoRhQ=="})
    body.expect_object(ChecksumAlgorithm.CRC64NVME)
    await consume(body)
    assert body.checksum == Checksum(ChecksumAlgorithm.CRC64NVME, "jSnVw/bqjr4=")
    assert body.announced_value() == Checksum(ChecksumAlgorithm.CRC32, "DUoRhQ==")


async def test_finish_wants_the_last_byte() -> None:
    body = body_of(BODY[:5], BODY[5:])
    async for _ in body.pieces():
        break
    with pytest.raises(S3Error) as caught:
        body.finish()
    assert caught.value.code == "IncompleteBody"


async def test_a_wrong_chunk_ends_the_stream_before_the_next() -> None:
    chunks = [b"a" * 8192, b"b" * 8192, b"c" * 100]
    wire = chunked_body(chunks, signing=ChunkSigning(signing_key(), SEED)).replace(b"a" * 8192, b"x" * 8192)
    signer = ChunkSigner(signing_key(), DATE, SCOPE, SEED)
    payload = PayloadAuthentication(PayloadKind.STREAMING_SIGNED, signer=signer)
    lines = {b"x-amz-decoded-content-length": str(sum(map(len, chunks))).encode()}
    request = S3Request("PUT", b"/b/k", b"", lines)
    body = open_body(stream_of(wire[:9000], wire[9000:]), request, payload, GatewaySettings())
    seen = []
    with pytest.raises(S3Error) as caught:
        async for piece in body.pieces():
            for digest in body.digests:
                digest.update(piece)
            seen.append(piece)
    assert caught.value.code == "SignatureDoesNotMatch"
    assert len(seen) == 1


# ---------------------------------------------------------------- documents


async def test_a_document_is_read_whole_and_verified() -> None:
    md5 = base64.b64encode(hashlib.md5(BODY).digest())
    body = body_of(BODY[:3], BODY[3:], headers={b"content-md5": md5})
    assert await body.read_all(100) == BODY
    assert body.checksum is None


async def test_a_document_needs_no_digest_at_all() -> None:
    body = body_of(BODY)
    assert await body.read_all(11) == BODY
    assert list(body.digests) == []


@pytest.mark.parametrize("announced", [True, False])
async def test_a_document_has_a_limit(announced: bool) -> None:
    request = S3Request(
        "PUT", b"/b/k", b"", {b"content-length": b"11"} if announced else {b"transfer-encoding": b"chunked"}
    )
    stream = stream_of(BODY[:5], BODY[5:])
    body = open_body(stream, request, UNSIGNED, GatewaySettings())
    with pytest.raises(S3Error) as caught:
        await body.read_all(10)
    assert caught.value.code == "MaxMessageLengthExceeded"
    assert stream.started is not announced


@pytest.mark.parametrize("value", [b"", b"-1", b"x", b"1" * 30])
def test_lengths_that_are_no_numbers(value: bytes) -> None:
    with pytest.raises(S3Error) as caught:
        body_of(BODY, headers={b"content-length": value})
    assert caught.value.code == "MissingContentLength"


def test_what_vouches_for_a_body() -> None:
    assert not body_of(BODY).vouched_for
    assert body_of(BODY, headers={b"content-md5": base64.b64encode(hashlib.md5(BODY).digest())}).vouched_for
    assert body_of(BODY, headers={b"x-amz-checksum-crc32": b"DUoRhQ=="}).vouched_for
    assert body_of(BODY, payload=PayloadAuthentication(PayloadKind.SIGNED, "0" * 64)).vouched_for


def test_checksum_headers_of_something_else_are_left_alone() -> None:
    request = S3Request("POST", b"/b/k", b"uploadId=1", {b"x-amz-checksum-crc32": b"DUoRhQ==-3"})
    body = open_body(stream_of(), request, UNSIGNED, GatewaySettings(), checksum_headers=False)
    assert body.announced is None
