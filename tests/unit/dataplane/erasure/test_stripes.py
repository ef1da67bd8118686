"""Where bytes go: the arithmetic of segments, fragments and frames."""

from __future__ import annotations

import pytest

from dataplane.contracts import Profile
from dataplane.erasure.stripes import FRAME_HEAD_BYTES, SHARD_HEADER_BYTES, SegmentRange, Stripes

SEGMENT = 1000


def stripes(size: int, *, sealed: bool = True, profile: Profile = Profile(4, 2)) -> Stripes:
    return Stripes(size, SEGMENT, profile, sealed)


def test_segments_and_their_lengths() -> None:
    whole = stripes(2500)
    assert whole.segments == 3
    assert [whole.plain_bytes(i) for i in range(3)] == [1000, 1000, 500]
    assert [whole.coded_bytes(i) for i in range(3)] == [1016, 1016, 516]
    assert [whole.fragment_bytes(i) for i in range(3)] == [254, 254, 129]
    assert [whole.is_last(i) for i in range(3)] == [False, False, True]
    with pytest.raises(IndexError, match="segment 3 of 3"):
        whole.plain_bytes(3)


def test_plain_segments_have_no_tag() -> None:
    assert stripes(2500, sealed=False).coded_bytes(2) == 500


def test_frames_follow_each_other() -> None:
    whole = stripes(2500)
    offset = SHARD_HEADER_BYTES
    for index in range(3):
        assert whole.frame_offset(index) == offset
        offset += whole.frame_bytes(index)
    assert whole.shard_bytes == offset
    assert whole.frame_bytes(2) == FRAME_HEAD_BYTES + 129


def test_an_empty_body_is_a_header() -> None:
    empty = stripes(0)
    assert (empty.segments, empty.shard_bytes) == (0, SHARD_HEADER_BYTES)
    assert empty.cover(0, 0) == []


def test_a_multiple_of_the_segment_has_no_short_one() -> None:
    whole = stripes(2000)
    assert (whole.segments, whole.plain_bytes(1)) == (2, 1000)


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (0, 2500, [(0, 0, 1000), (1, 0, 1000), (2, 0, 500)]),
        (0, 0, []),
        (999, 1001, [(0, 999, 1000), (1, 0, 1)]),
        (1000, 2000, [(1, 0, 1000)]),
        (1200, 1300, [(1, 200, 300)]),
        (2499, 2500, [(2, 499, 500)]),
        (2500, 2500, []),
    ],
)
def test_a_range_covers_only_its_segments(start: int, stop: int, expected: list[tuple[int, int, int]]) -> None:
    assert stripes(2500).cover(start, stop) == [SegmentRange(*item) for item in expected]


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 4), (0, 2501)])
def test_ranges_outside_are_refused(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="2500 bytes"):
        stripes(2500).cover(start, stop)
