"""Whatever the profile, the sizes and the losses: what is coded and framed comes back, or is refused."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.contracts import Profile
from dataplane.erasure.codec import codec_for
from dataplane.erasure.stripes import FRAME_HEAD_BYTES, SHARD_HEADER_BYTES, Stripes
from dataplane.shards.blob_ids import new_blob_id
from dataplane.shards.frames import BadFrame, frame_head, open_frame, shard_seed
from dataplane.shards.plan import ReadPlan, Verdict, WritePlan

profiles = st.builds(Profile, st.integers(1, 12), st.integers(1, 6))
stripes = st.builds(Stripes, st.integers(0, 5000), st.integers(1, 700), profiles, st.booleans())


@given(profiles, st.binary(min_size=1, max_size=3000), st.randoms(use_true_random=False))
def test_any_k_fragments_decode(profile: Profile, segment: bytes, chance: random.Random) -> None:
    codec = codec_for(profile)
    fragments = codec.encode(segment)
    chosen = chance.sample(range(profile.shards), profile.k)
    assert codec.decode({i: fragments[i] for i in chosen}, len(segment)) == segment
    lost = [i for i in range(profile.shards) if i not in chosen]
    rebuilt = codec.reconstruct({i: fragments[i] for i in chosen}, len(segment), lost)
    assert rebuilt == [bytes(fragments[i]) for i in lost]


@given(profiles, st.binary(min_size=1, max_size=500), st.randoms(use_true_random=False))
def test_fewer_than_k_fragments_are_refused(profile: Profile, segment: bytes, chance: random.Random) -> None:
    codec = codec_for(profile)
    fragments = codec.encode(segment)
    chosen = chance.sample(range(profile.shards), profile.k - 1)
    with pytest.raises(ValueError, match="needs"):
        codec.decode({i: fragments[i] for i in chosen}, len(segment))


@given(stripes)
def test_frames_tile_the_file(layout: Stripes) -> None:
    offset = SHARD_HEADER_BYTES
    plain = 0
    for index in range(layout.segments):
        assert layout.frame_offset(index) == offset
        offset += layout.frame_bytes(index)
        plain += layout.plain_bytes(index)
        assert layout.fragment_bytes(index) * layout.profile.k >= layout.coded_bytes(index)
    assert (layout.shard_bytes, layout.size) == (offset, plain)


@given(stripes, st.data())
def test_a_range_is_covered_exactly(layout: Stripes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, layout.size))
    stop = data.draw(st.integers(start, layout.size))
    covered = [
        position
        for piece in layout.cover(start, stop)
        for position in range(
            piece.index * layout.segment_bytes + piece.start, piece.index * layout.segment_bytes + piece.stop
        )
    ]
    assert covered == list(range(start, stop))
    assert all(piece.stop <= layout.plain_bytes(piece.index) for piece in layout.cover(start, stop))


@given(st.binary(min_size=1, max_size=300), st.integers(0, 1 << 40), st.data())
def test_no_altered_frame_is_taken(fragment: bytes, segment: int, data: st.DataObject) -> None:
    seed = shard_seed(new_blob_id(), data.draw(st.integers(0, 31)))
    frame = frame_head(seed, segment, fragment) + fragment
    assert len(frame) == FRAME_HEAD_BYTES + len(fragment)
    assert bytes(open_frame(seed, segment, frame, len(fragment))) == fragment
    altered = bytearray(frame)
    position = data.draw(st.integers(0, len(frame) - 1))
    altered[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadFrame):
        open_frame(seed, segment, bytes(altered), len(fragment))


@given(profiles, st.lists(st.tuples(st.booleans(), st.integers(0, 17))))
def test_a_decided_write_stays_decided(profile: Profile, events: list[tuple[bool, int]]) -> None:
    plan = WritePlan(profile)
    settled: set[int] = set()
    decided = Verdict.WAIT
    for durable, index in events:
        if index >= profile.shards or index in settled:
            continue
        settled.add(index)
        (plan.ack if durable else plan.fail)(index)
        if decided is not Verdict.WAIT:
            assert plan.verdict is decided
        decided = plan.verdict
        assert (decided is Verdict.COMMIT) == (plan.durable >= profile.write_quorum)
    if len(settled) == profile.shards:
        assert decided is not Verdict.WAIT


@given(profiles, st.sets(st.integers(0, 17)), st.randoms(use_true_random=False))
def test_a_read_ends_with_k_good_shards_or_hopeless(profile: Profile, bad: set[int], chance: random.Random) -> None:
    order = list(range(profile.shards))
    chance.shuffle(order)
    plan, good, asked = ReadPlan(profile, order), set[int](), 0
    while len(good) < profile.k and not plan.hopeless:
        for index in plan.wanted(good):
            asked += 1
            if index in bad:
                plan.fail(index)
            else:
                good.add(index)
    lost = len(bad & set(order))
    assert (len(good) == profile.k) == (lost <= profile.m)
    assert plan.hopeless == (lost > profile.m)
    assert asked <= profile.shards
