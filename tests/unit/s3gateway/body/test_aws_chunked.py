"""The push decoder of aws-chunked bodies and the check of their signatures."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from s3gateway.auth.chunk_signature import ChunkSigner
from s3gateway.body.aws_chunked import MAX_LINE_BYTES, ChunkedDecoder, ChunkSignatures
from s3gateway.errors import S3Error
from tests.support.chunked_bodies import DATE, SCOPE, ChunkSigning, chunked_body, signing_key

# Worked examples of the AWS S3 API reference, of the pages on chunked uploads without and with trailing headers.
PLAIN = b"a" * 66560
SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
SIGNATURES = (
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
)
TRAILER_SEED = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
TRAILER_SIGNATURES = (
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
)
TRAILER = ("x-amz-checksum-crc32c", "sOO8/Q==")
TRAILER_SIGNATURE = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"


def decode(decoder: ChunkedDecoder, wire: bytes, step: int | None = None) -> bytes:
    out = bytearray()
    for position in range(0, len(wire), step or len(wire) or 1):
        for piece in decoder.feed(wire[position : position + (step or len(wire))]):
            out += piece
    decoder.close()
    return bytes(out)


def framed(signatures: Sequence[str]) -> bytes:
    chunks = (PLAIN[:65536], PLAIN[65536:], b"")
    wire = b""
    for chunk, signature in zip(chunks, signatures, strict=True):
        wire += b"%x;chunk-signature=%s\r\n" % (len(chunk), signature.encode())
        wire += chunk + (b"\r\n" if chunk else b"")
    return wire


def signer(seed: str) -> ChunkSigner:
    return ChunkSigner(signing_key(), DATE, SCOPE, seed)


@pytest.mark.parametrize("step", [1, 7, 87, 1024, 65536, None])
def test_the_documented_signed_body(step: int | None) -> None:
    decoder = ChunkedDecoder(decoded_length=66560, signed=True)
    signatures = ChunkSignatures(decoder, signer(SEED))
    plain = decode(decoder, framed(SIGNATURES) + b"\r\n", step)
    signatures.update(plain)
    assert plain == PLAIN
    assert signatures.settle()


@pytest.mark.parametrize("step", [1, 7, 87, 1024, 65536, None])
def test_the_documented_signed_body_with_trailer(step: int | None) -> None:
    decoder = ChunkedDecoder(decoded_length=66560, signed=True, trailer=True, trailers=(TRAILER[0],))
    signatures = ChunkSignatures(decoder, signer(TRAILER_SEED))
    wire = framed(TRAILER_SIGNATURES) + f"{TRAILER[0]}:{TRAILER[1]}\r\n".encode()
    wire += f"x-amz-trailer-signature:{TRAILER_SIGNATURE}\r\n\r\n".encode()
    plain = decode(decoder, wire, step)
    for position in range(0, len(plain), 1000):
        signatures.update(plain[position : position + 1000])
    assert plain == PLAIN
    assert decoder.trailers == dict([TRAILER])
    assert signatures.settle()


def test_unsigned_with_trailer() -> None:
    wire = chunked_body([b"hello world"], trailers=[("x-amz-checksum-crc32", "DUoRhQ==")])
    decoder = ChunkedDecoder(decoded_length=11, signed=False, trailer=True, trailers=("x-amz-checksum-crc32",))
    assert decode(decoder, wire) == b"hello world"
    assert decoder.trailers == {"x-amz-checksum-crc32": "DUoRhQ=="}


def test_unsigned_without_trailer() -> None:
    decoder = ChunkedDecoder(decoded_length=11, signed=False)
    assert decode(decoder, chunked_body([b"hello world"])) == b"hello world"


def test_an_empty_body() -> None:
    decoder = ChunkedDecoder(decoded_length=0, signed=False)
    assert decode(decoder, b"0\r\n\r\n") == b""
    assert decoder.finished


def test_trailer_lines_may_end_in_a_bare_line_feed() -> None:
    signing = ChunkSigning(signing_key(), SEED)
    wire = chunked_body([b"x"], signing=signing, trailers=[TRAILER], signed_trailer=True, line_end="\n")
    decoder = ChunkedDecoder(decoded_length=1, signed=True, trailer=True, trailers=(TRAILER[0],))
    signatures = ChunkSignatures(decoder, signer(SEED))
    signatures.update(decode(decoder, wire))
    assert signatures.settle()


def test_an_empty_line_before_the_trailer_signature_is_tolerated() -> None:
    signing = ChunkSigning(signing_key(), SEED)
    wire = chunked_body([b"x"], signing=signing, trailers=[TRAILER], signed_trailer=True, line_end="\n\r\n")
    decoder = ChunkedDecoder(decoded_length=1, signed=True, trailer=True, trailers=(TRAILER[0],))
    signatures = ChunkSignatures(decoder, signer(SEED))
    signatures.update(decode(decoder, wire))
    assert signatures.settle()


def test_large_slices_are_not_copied() -> None:
    data = b"b" * 1_000_000
    wire = chunked_body([data])
    decoder = ChunkedDecoder(decoded_length=len(data), signed=False)
    pieces = decoder.feed(wire)
    assert [len(piece) for piece in pieces] == [1_000_000]
    assert pieces[0].obj is wire


@pytest.mark.parametrize(
    ("sizes", "allowed"),
    [
        ([8192, 8192, 100], True),
        ([100], True),
        ([8200, 8201, 10000, 10], True),
        ([100, 8192], False),
        ([8192, 10, 100], False),
        ([10, 10, 10], False),
    ],
)
def test_only_the_last_chunk_may_be_short(sizes: list[int], allowed: bool) -> None:
    wire = chunked_body([b"x" * size for size in sizes])
    decoder = ChunkedDecoder(decoded_length=sum(sizes), signed=False)
    if allowed:
        assert len(decode(decoder, wire)) == sum(sizes)
        return
    with pytest.raises(S3Error) as caught:
        decode(decoder, wire)
    assert caught.value.code == "InvalidChunkSizeError"


BROKEN_UNSIGNED = [
    b"A\ndummy data\r\n0\r\n\r\n",
    b"A\r\ndummy data0\r\n\r\n",
    b"A\r\nXYZ\r\ndummy data\r\n0\r\n\r\n",
    b"B\r\ndummy data\r\n0\r\n\r\n",
    b"A\r\ndummy data\r\n0\r\n",
    b"A\r\ndummy data\r\n",
    b"A\r\n",
    b"",
    b"A\r\nA\r\ndummy data\r\n0\r\n\r\n",
    b"-1\r\ndummy data\r\n0\r\n\r\n",
    b"0x0A\r\ndummy data\r\n0\r\n\r\n",
    b"invalid\r\ndummy data\r\n0\r\n\r\n",
    b"11111111111111111\r\ndummy data\r\n0\r\n\r\n",
    b"A;chunk-signature=" + b"0" * 64 + b"\r\ndummy data\r\n0\r\n\r\n",
    b"a" * (MAX_LINE_BYTES + 1),
    b"A\r\ndummy data\r\n0\r\n\r\nmore",
    b"A\r\ndummy data\r\n0\r\n\r\n\r\n",
]


@pytest.mark.parametrize("wire", BROKEN_UNSIGNED)
@pytest.mark.parametrize("step", [1, 5, None])
def test_broken_framing_is_an_incomplete_body(wire: bytes, step: int | None) -> None:
    decoder = ChunkedDecoder(decoded_length=10, signed=False)
    with pytest.raises(S3Error) as caught:
        decode(decoder, wire, step)
    assert caught.value.code == "IncompleteBody"


@pytest.mark.parametrize("announced", [5, 9, 11, 200])
def test_chunks_must_hold_what_was_announced(announced: int) -> None:
    decoder = ChunkedDecoder(decoded_length=announced, signed=False)
    with pytest.raises(S3Error) as caught:
        decode(decoder, chunked_body([b"dummy data"]))
    assert caught.value.code == "IncompleteBody"


def test_a_chunk_header_cannot_announce_more_than_the_whole() -> None:
    """The lie is caught at the header: nothing of the chunk is taken."""
    decoder = ChunkedDecoder(decoded_length=10, signed=False)
    with pytest.raises(S3Error):
        decoder.feed(b"ffffffffffffffff\r\n")


@pytest.mark.parametrize(
    ("announced", "sent"),
    [
        ("x-amz-checksum-crc64nvme", ""),
        ("x-amz-checksum-crc64nvme", ":M3eFcAZSQlc=\r\n"),
        ("", "x-amz-checksum-crc64nvme:M3eFcAZSQlc=\r\n"),
        ("x-amz-checksum-crc64nvme", "invalid_trailer:M3eFcAZSQlc=\r\n"),
        ("x-amz-checksum-crc64nvme", "no colon at all\r\n"),
        ("x-amz-checksum-crc64nvme", "x-amz-checksum-crc64nvme:a\r\nx-amz-checksum-crc64nvme:b\r\n"),
        ("x-amz-checksum-crc64nvme", "x-amz-checksum-crc64nvme:a\x01\r\n"),
        ("x-amz-checksum-sha1", "x-amz-checksum-crc32:QWaN2w==\r\n"),
        # Unsigned forms have no trailer signature.
        ("x-amz-checksum-crc32", "x-amz-checksum-crc32:QWaN2w==\r\nx-amz-trailer-signature:00\r\n"),
    ],
)
def test_malformed_trailers(announced: str, sent: str) -> None:
    decoder = ChunkedDecoder(decoded_length=5, signed=False, trailer=True, trailers=(announced,) if announced else ())
    with pytest.raises(S3Error) as caught:
        decode(decoder, b"5\r\nhello\r\n0\r\n" + sent.encode() + b"\r\n")
    assert caught.value.code == "MalformedTrailerError"


def test_a_signed_trailer_must_be_signed() -> None:
    wire = chunked_body([b"x"], signing=ChunkSigning(signing_key(), SEED), trailers=[TRAILER])
    decoder = ChunkedDecoder(decoded_length=1, signed=True, trailer=True, trailers=(TRAILER[0],))
    with pytest.raises(S3Error):
        decode(decoder, wire + b"\r\n" * 20)


@pytest.mark.parametrize("wire", [b"1\r\nx\r\n0\r\n\r\n", b"1;chunk-signature=00\r\nx\r\n0\r\n\r\n"])
def test_a_signed_form_takes_no_unsigned_chunk(wire: bytes) -> None:
    decoder = ChunkedDecoder(decoded_length=1, signed=True)
    with pytest.raises(S3Error) as caught:
        decode(decoder, wire)
    assert caught.value.code == "IncompleteBody"


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_one_wrong_chunk_signature_fails_the_body(wrong: int) -> None:
    changed = list(SIGNATURES)
    changed[wrong] = "0" * 64
    decoder = ChunkedDecoder(decoded_length=66560, signed=True)
    signatures = ChunkSignatures(decoder, signer(SEED))
    signatures.update(decode(decoder, framed(changed) + b"\r\n"))
    assert signatures.failed is (wrong < 2)
    assert not signatures.settle()


def test_a_changed_byte_fails_at_the_end_of_its_chunk() -> None:
    wire = bytearray(framed(SIGNATURES) + b"\r\n")
    wire[200] = ord("b")
    decoder = ChunkedDecoder(decoded_length=66560, signed=True)
    signatures = ChunkSignatures(decoder, signer(SEED))
    plain = b"".join(decoder.feed(bytes(wire)))
    signatures.update(plain[:65535])
    assert not signatures.failed
    signatures.update(plain[65535:65536])
    assert signatures.failed


def test_a_wrong_trailer_signature_fails() -> None:
    wire = framed(TRAILER_SIGNATURES) + f"{TRAILER[0]}:{TRAILER[1]}\r\n".encode()
    wire += f"x-amz-trailer-signature:{'0' * 64}\r\n\r\n".encode()
    decoder = ChunkedDecoder(decoded_length=66560, signed=True, trailer=True, trailers=(TRAILER[0],))
    signatures = ChunkSignatures(decoder, signer(TRAILER_SEED))
    signatures.update(decode(decoder, wire))
    assert not signatures.failed
    assert not signatures.settle()


def test_a_changed_trailer_fails() -> None:
    wire = framed(TRAILER_SIGNATURES) + f"{TRAILER[0]}:AAAAAA==\r\n".encode()
    wire += f"x-amz-trailer-signature:{TRAILER_SIGNATURE}\r\n\r\n".encode()
    decoder = ChunkedDecoder(decoded_length=66560, signed=True, trailer=True, trailers=(TRAILER[0],))
    signatures = ChunkSignatures(decoder, signer(TRAILER_SEED))
    signatures.update(decode(decoder, wire))
    assert not signatures.settle()
