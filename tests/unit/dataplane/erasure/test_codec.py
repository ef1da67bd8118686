"""The codec: what goes in comes out of any k fragments, and nothing that would abort the process gets in."""

from __future__ import annotations

import itertools
import random

import pytest

from dataplane.contracts import Profile
from dataplane.erasure.codec import Codec, codec_for

LADDER = [Profile(1, 1), Profile(1, 3), Profile(2, 1), Profile(2, 2), Profile(4, 2), Profile(6, 3), Profile(8, 4)]
SIZES = [1, 2, 3, 5, 16, 1000, 65_537]


@pytest.mark.parametrize("profile", LADDER, ids=str)
@pytest.mark.parametrize("size", SIZES)
def test_any_k_fragments_give_the_segment(profile: Profile, size: int) -> None:
    segment = random.Random(size).randbytes(size)
    codec = codec_for(profile)
    fragments = [bytes(fragment) for fragment in codec.encode(segment)]
    assert {len(fragment) for fragment in fragments} == {-(-size // profile.k)}
    for chosen in itertools.combinations(range(profile.shards), profile.k):
        assert codec.decode({i: fragments[i] for i in chosen}, size) == segment


@pytest.mark.parametrize("size", SIZES)
def test_no_parity_splits_and_joins(size: int) -> None:
    segment = random.Random(size).randbytes(size)
    for profile in (Profile(1, 0), Profile(3, 0)):
        codec = Codec(profile)
        fragments = codec.encode(segment)
        assert len(fragments) == profile.k
        assert codec.decode(dict(enumerate(fragments)), size) == segment


def test_data_fragments_are_the_segment_itself() -> None:
    """Systematic: so a read of good data shards decodes nothing."""
    segment = bytes(range(256)) * 4
    fragments = codec_for(Profile(4, 2)).encode(segment)
    assert b"".join(fragments[:4]) == segment
    assert not codec_for(Profile(4, 2)).missing_data([0, 1, 2, 3])
    assert codec_for(Profile(4, 2)).missing_data([0, 1, 2, 4])


def test_a_mirror_is_a_whole_copy() -> None:
    assert [bytes(f) for f in codec_for(Profile(1, 1)).encode(b"mirror")] == [b"mirror", b"mirror"]


def test_reconstruct_makes_the_lost_fragments() -> None:
    segment = random.Random(1).randbytes(10_001)
    codec = codec_for(Profile(4, 2))
    fragments = [bytes(f) for f in codec.encode(segment)]
    left = {i: fragments[i] for i in (1, 2, 4, 5)}
    assert codec.reconstruct(left, len(segment), [0, 3]) == [fragments[0], fragments[3]]


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_other_buffers_decode_too(kind: type[bytearray] | type[memoryview]) -> None:
    """The library aborts the process on these; the wrapper makes bytes of them."""
    segment = random.Random(2).randbytes(4001)
    codec = codec_for(Profile(4, 2))
    fragments = [kind(bytes(f)) for f in codec.encode(segment)]
    assert codec.decode({i: fragments[i] for i in (0, 2, 4, 5)}, len(segment)) == segment
    assert codec.decode(dict(enumerate(fragments[:4])), len(segment)) == segment


def test_what_cannot_be_coded_is_refused() -> None:
    codec = codec_for(Profile(2, 1))
    with pytest.raises(TypeError, match="bytearray"):
        codec.encode(bytearray(b"text"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="empty"):
        codec.encode(b"")
    with pytest.raises(ValueError, match="needs 2 fragments"):
        codec.decode({0: b"ab"}, 4)
    with pytest.raises(ValueError, match="has 3 bytes"):
        codec.decode({0: b"abc", 1: b"abc"}, 4)
    with pytest.raises(ValueError, match="no fragment 7"):
        codec.decode({0: b"ab", 7: b"ab"}, 4)
    with pytest.raises(ValueError, match="cannot do"):
        Codec(Profile(0, 2))
    with pytest.raises(ValueError, match="cannot do"):
        Codec(Profile(20, 13))


def test_one_driver_per_profile() -> None:
    assert codec_for(Profile(4, 2)) is codec_for(Profile(4, 2))
