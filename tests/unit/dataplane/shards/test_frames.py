"""The shard format: every byte is guarded, and a good fragment in the wrong place is a bad one."""

from __future__ import annotations

from uuid import UUID

import pytest

from dataplane.contracts import Profile
from dataplane.erasure.stripes import FRAME_HEAD_BYTES, SHARD_HEADER_BYTES, Stripes
from dataplane.shards.frames import (
    BadFrame,
    ShardHeader,
    frame_head,
    open_frame,
    pack_header,
    shard_seed,
    unpack_header,
)

BLOB = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
HEADER = ShardHeader(BLOB, 5, Stripes(123_456_789_012, 1 << 20, Profile(4, 2), sealed=True))


def test_headers_round_trip() -> None:
    packed = pack_header(HEADER)
    assert len(packed) == SHARD_HEADER_BYTES
    assert unpack_header(packed) == HEADER
    plain = ShardHeader(BLOB, 0, Stripes(0, 1, Profile(1, 0), sealed=False))
    assert unpack_header(memoryview(pack_header(plain) + b"more")) == plain


def test_the_header_is_what_the_format_page_says() -> None:
    """A change of these bytes is a new version of the format."""
    assert pack_header(HEADER)[:48].hex() == (
        "414e56494c534844"  # ANVILSHD
        "00010040"  # version, header length
        "0001"  # flags: sealed
        "04020500"  # k, m, index, zero
        "00100000"  # segment bytes
        "0000001cbe991a14"  # plain size
        "01890a5dac96774bbcceb302099a8057"  # blob id
        "0000"
    )


@pytest.mark.parametrize("position", range(SHARD_HEADER_BYTES))
def test_every_byte_of_a_header_is_guarded(position: int) -> None:
    packed = bytearray(pack_header(HEADER))
    packed[position] ^= 0x10
    with pytest.raises(BadFrame):
        unpack_header(bytes(packed))


def test_foreign_and_short_files_are_told_apart() -> None:
    with pytest.raises(BadFrame, match="not a shard file"):
        unpack_header(b"x" * SHARD_HEADER_BYTES)
    with pytest.raises(BadFrame, match="there are 10"):
        unpack_header(b"x" * 10)


def frame(segment: int = 3, fragment: bytes = b"fragment") -> bytes:
    return frame_head(shard_seed(BLOB, 5), segment, fragment) + fragment


def test_frames_round_trip() -> None:
    assert bytes(open_frame(shard_seed(BLOB, 5), 3, frame(), 8)) == b"fragment"


@pytest.mark.parametrize("position", range(FRAME_HEAD_BYTES + 8))
def test_every_byte_of_a_frame_is_guarded(position: int) -> None:
    altered = bytearray(frame())
    altered[position] ^= 1
    with pytest.raises(BadFrame):
        open_frame(shard_seed(BLOB, 5), 3, bytes(altered), 8)


def test_a_frame_counts_in_its_place_only() -> None:
    good = frame()
    with pytest.raises(BadFrame, match="does not match"):
        open_frame(shard_seed(BLOB, 5), 4, good, 8)
    with pytest.raises(BadFrame, match="does not match"):
        open_frame(shard_seed(BLOB, 4), 3, good, 8)
    with pytest.raises(BadFrame, match="does not match"):
        open_frame(shard_seed(UUID(int=BLOB.int + 1), 5), 3, good, 8)


def test_cut_frames_are_named() -> None:
    with pytest.raises(BadFrame, match="has 27 bytes of 28"):
        open_frame(shard_seed(BLOB, 5), 3, frame()[:-1], 8)
