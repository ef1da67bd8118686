"""Rolling chunk signatures against the examples that AWS publishes."""

from __future__ import annotations

import hashlib

from s3gateway.auth.chunk_signature import ChunkSigner
from s3gateway.auth.sigv4 import signing_key

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SCOPE = "20130524/us-east-1/s3/aws4_request"
CHUNKS = (b"a" * 65536, b"a" * 1024, b"")

SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
SIGNATURES = (
    b"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    b"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    b"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
)

TRAILER_SEED = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
TRAILER_SIGNATURES = (
    b"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    b"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    b"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
)
TRAILER = b"x-amz-checksum-crc32c:sOO8/Q==\n"
TRAILER_SIGNATURE = b"d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"


def signer(seed: str) -> ChunkSigner:
    return ChunkSigner(signing_key(SECRET, "20130524", "us-east-1"), "20130524T000000Z", SCOPE, seed)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_published_chunks() -> None:
    rolling = signer(SEED)
    for data, signature in zip(CHUNKS, SIGNATURES, strict=True):
        assert rolling.verify_chunk(sha256(data), signature)


def test_published_chunks_with_a_trailer() -> None:
    rolling = signer(TRAILER_SEED)
    for data, signature in zip(CHUNKS, TRAILER_SIGNATURES, strict=True):
        assert rolling.verify_chunk(sha256(data), signature)
    assert rolling.verify_trailer(TRAILER, TRAILER_SIGNATURE)


def test_a_changed_byte_is_noticed_and_does_not_roll_on() -> None:
    rolling = signer(SEED)
    assert not rolling.verify_chunk(sha256(b"b" + CHUNKS[0][1:]), SIGNATURES[0])
    assert rolling.verify_chunk(sha256(CHUNKS[0]), SIGNATURES[0])


def test_chunks_cannot_be_reordered_or_left_out() -> None:
    rolling = signer(SEED)
    assert not rolling.verify_chunk(sha256(CHUNKS[1]), SIGNATURES[1])
    assert rolling.verify_chunk(sha256(CHUNKS[0]), SIGNATURES[0])
    assert not rolling.verify_chunk(sha256(CHUNKS[2]), SIGNATURES[2])


def test_a_changed_trailer_is_noticed() -> None:
    rolling = signer(TRAILER_SEED)
    for data, signature in zip(CHUNKS, TRAILER_SIGNATURES, strict=True):
        assert rolling.verify_chunk(sha256(data), signature)
    assert not rolling.verify_trailer(b"x-amz-checksum-crc32c:AAAAAA==\n", TRAILER_SIGNATURE)


def test_a_signature_that_is_not_hex_is_only_wrong() -> None:
    assert not signer(SEED).verify_chunk(sha256(CHUNKS[0]), b"\xff not hex")
