"""HPACK: our decoder agrees with hpack's on any input, our encoder is understood by it."""

from __future__ import annotations

import pytest
from hpack import Decoder, Encoder
from hpack.exceptions import HPACKError, OversizedHeaderListError
from hypothesis import given, settings
from hypothesis import strategies as st

from anvil_site.listener.header_decoder import HeaderDecoder, OverlongInteger
from anvil_site.listener.literal_encoder import LiteralEncoder

octets = st.binary(max_size=300)
names = st.sampled_from([b":method", b":path", b"host", b"authorization", b"x-amz-date", b"content-length", b""])
headers = st.lists(st.tuples(st.one_of(names, octets), octets), max_size=12)
SIGNED = (
    b"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;"
    b"x-amz-date,Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024"
)


@given(st.lists(headers, max_size=5), st.booleans())
def test_whatever_hpack_encodes_is_decoded(blocks: list[list[tuple[bytes, bytes]]], huffman: bool) -> None:
    """Several blocks in a row: the dynamic tables stay in step."""
    encoder, decoder = Encoder(), HeaderDecoder()
    for block in blocks:
        assert list(decoder.decode(encoder.encode(block, huffman=huffman))) == block


def _outcome(decoder: Decoder, block: bytes) -> list[tuple[bytes, bytes]] | None:
    try:
        return [(bytes(name), bytes(value)) for name, value in decoder.decode(block, raw=True)]
    except OverlongInteger:
        raise
    except HPACKError:
        return None


pieces = st.one_of(
    st.binary(max_size=12),
    st.integers(0x80, 0xFF).map(lambda octet: bytes([octet])),
    st.builds(lambda pairs: Encoder().encode(pairs), headers),
    st.sampled_from([b"\x3f\xe1\x1f", b"\x20", b"\x3f\x00", b"\x00\x81\x8f\x01a", b"\x40\x01a\x83\xff\xff\xff"]),
)


@settings(max_examples=500)
@given(st.lists(st.lists(pieces, max_size=6).map(b"".join), max_size=4))
def test_any_bytes_are_decoded_as_hpack_does_or_refused_as_it_does(blocks: list[bytes]) -> None:
    """But for integers of many octets, which hpack takes and we refuse."""
    ours, theirs = HeaderDecoder(), Decoder()
    for block in blocks:
        expected = _outcome(theirs, block)
        try:
            assert _outcome(ours, block) == expected
        except OverlongInteger:
            return
        if expected is None:  # the connection ends here; the tables may differ now
            return


@given(headers)
def test_what_we_encode_is_understood(block: list[tuple[bytes, bytes]]) -> None:
    encoder, decoder = LiteralEncoder(), Decoder()
    for _ in range(2):
        assert [tuple(header) for header in decoder.decode(encoder.encode(block), raw=True)] == block


def test_a_smaller_table_of_the_peer_is_respected() -> None:
    encoder, decoder = LiteralEncoder(), Decoder()
    encoder.header_table_size = 0
    decoder.max_allowed_table_size = 0
    assert list(decoder.decode(encoder.encode([(b"x", b"y")]), raw=True)) == [(b"x", b"y")]


def test_common_statuses_are_one_octet() -> None:
    encoder = LiteralEncoder()
    encoder.encode([])
    assert encoder.encode([(b":status", b"200")]) == b"\x88"


@pytest.mark.parametrize("length", [0, 126, 127, 128, 255, 300, 16383, 16384, 100_000])
def test_lengths_of_every_size(length: int) -> None:
    block = LiteralEncoder().encode([(b"x" * 200, b"v" * length)])
    assert list(HeaderDecoder(1 << 20).decode(block)) == [(b"x" * 200, b"v" * length)]


def test_a_header_list_beyond_the_limit_is_refused() -> None:
    block = Encoder().encode([(b"x", b"y" * 3000)]) + b"\xbe" * 50
    with pytest.raises(OversizedHeaderListError):
        HeaderDecoder(64 * 1024).decode(block)


def test_an_integer_of_many_octets_is_refused_at_once() -> None:
    """hpack shifts a number of unbounded size for it: 60 KB of these cost it seconds."""
    with pytest.raises(OverlongInteger):
        HeaderDecoder().decode(b"\xff" * 60_000)


def test_an_authorization_header() -> None:
    encoder, decoder = Encoder(), HeaderDecoder()
    for number in range(3):
        value = SIGNED + b"%d" % number
        assert list(decoder.decode(encoder.encode([(b"authorization", value)]))) == [(b"authorization", value)]
