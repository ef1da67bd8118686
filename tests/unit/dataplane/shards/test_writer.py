"""Writing blobs at quorum: what fails early is replaced, what fails late is owed, what cannot be is refused."""

from __future__ import annotations

import asyncio
import random

import pytest

from dataplane.contracts import Profile
from dataplane.crypto.envelope import Envelope
from dataplane.errors import QuorumNotReached, StorageFull
from dataplane.shards.frames import unpack_header
from dataplane.shards.placing import WriteSettings
from dataplane.shards.reader import ShardReader
from dataplane.shards.writer import ShardWriter, WrittenBlob
from dataplane.transport.base import StoreHasNoRoom
from tests.support.engine import RING
from tests.support.memory_transport import MemoryTransport

SEGMENT = 4096
ENVELOPE = Envelope(RING)


def data_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def writer_over(transport: MemoryTransport, **settings: object) -> ShardWriter:
    return ShardWriter(transport, ENVELOPE, WriteSettings(segment_bytes=SEGMENT, **settings))  # type: ignore[arg-type]


async def write(writer: ShardWriter, data: bytes, *, size_known: bool = True) -> WrittenBlob:
    blob = writer.begin(len(data) if size_known else None)
    try:
        for start in range(0, len(data), SEGMENT):
            await blob.write(data[start : start + SEGMENT], last=start + SEGMENT >= len(data))
        return await blob.finish()
    except BaseException:
        await blob.discard()
        raise


async def read(transport: MemoryTransport, written: WrittenBlob) -> bytes:
    reader = ShardReader(transport, ENVELOPE)
    return b"".join([bytes(piece) async for piece in reader.read(written.blob, 0, written.blob.size)])


@pytest.mark.parametrize(
    ("stores", "profile"), [(1, "1+0"), (2, "1+1"), (3, "2+1"), (4, "2+2"), (6, "4+2"), (9, "6+3"), (12, "8+4")]
)
@pytest.mark.parametrize("size", [0, 1, SEGMENT, 3 * SEGMENT + 5])
async def test_profiles_follow_the_stores(stores: int, profile: str, size: int) -> None:
    transport, data = MemoryTransport(stores), data_of(size)
    written = await write(writer_over(transport), data)
    assert (str(written.blob.profile), written.owed, written.blob.size) == (profile, (), size)
    assert len(transport.kept()) == written.blob.profile.shards
    assert len(set(written.blob.stores)) == written.blob.profile.shards
    assert await read(transport, written) == data


async def test_every_shard_says_what_it_is() -> None:
    transport = MemoryTransport(6)
    written = await write(writer_over(transport), data_of(10_000), size_known=False)
    for number, blob_id, index in transport.kept():
        header = unpack_header(transport.stores[number].shards[blob_id, index])
        assert (header.blob_id, header.index, header.stripes.size) == (written.blob.id, index, 10_000)
        assert written.blob.stores[index] == number


async def test_a_store_that_fails_at_first_is_replaced() -> None:
    transport, data = MemoryTransport(8), data_of(3 * SEGMENT)
    for number in (1, 2):
        transport.stores[number].fails_from = 0
    written = await write(writer_over(transport), data)
    assert written.owed == ()
    assert not {1, 2} & set(written.blob.stores)
    assert await read(transport, written) == data


async def test_a_store_that_fails_later_is_owed() -> None:
    transport, data = MemoryTransport(6), data_of(3 * SEGMENT)
    transport.stores[4].fails_from = 1
    written = await write(writer_over(transport), data)
    assert written.owed == (written.blob.stores.index(4),)
    assert await read(transport, written) == data


async def test_without_quorum_nothing_is_kept() -> None:
    transport = MemoryTransport(6)
    for number in (4, 5):
        transport.stores[number].fails_from = 1
    with pytest.raises(QuorumNotReached, match="broken") as refused:
        await write(writer_over(transport), data_of(3 * SEGMENT))
    assert (refused.value.reached, refused.value.needed) == (4, 5)
    assert transport.kept() == []


async def test_too_few_stores_take_the_next_lower_profile() -> None:
    """Two of six fail on the first segment: the blob is placed anew on the four that live."""
    transport, data = MemoryTransport(6), data_of(2 * SEGMENT)
    for number in (1, 2):
        transport.stores[number].fails_from = 0
    written = await write(writer_over(transport), data)
    assert written.blob.profile == Profile(2, 2)
    assert await read(transport, written) == data
    assert {blob_id for _, blob_id, _ in transport.kept()} == {written.blob.id}


async def test_all_stores_failing_is_refused() -> None:
    transport = MemoryTransport(3)
    for store in transport.stores.values():
        store.live = False
    with pytest.raises(QuorumNotReached, match="no store of this node works"):
        await write(writer_over(transport), b"data")


async def test_the_floor_refuses_weaker_writes() -> None:
    transport = MemoryTransport(3)
    writer = writer_over(transport, floor_profile=Profile(2, 2))
    with pytest.raises(QuorumNotReached, match=r"MIN_PROFILE is 2\+2 and 3 stores work"):
        await write(writer, b"data")


async def test_full_stores_take_no_shard() -> None:
    transport, data = MemoryTransport(6), data_of(SEGMENT)
    for number in (1, 2):
        transport.stores[number].free_bytes = 0
    written = await write(writer_over(transport), data)
    assert written.blob.profile == Profile(2, 2)
    assert await read(transport, written) == data


async def test_no_spare_is_not_given_up_because_stores_are_full() -> None:
    """One of two stores is full: a blob without a spare would be written although two stores live."""
    transport = MemoryTransport(2)
    transport.stores[1].free_bytes = 0
    with pytest.raises(StorageFull):
        await write(writer_over(transport), data_of(SEGMENT))


async def test_stores_that_turn_out_full_say_so() -> None:
    transport = MemoryTransport(6)
    for store in transport.stores.values():
        store.fails_from, store.failure = 1, StoreHasNoRoom("full")
    with pytest.raises(StorageFull):
        await write(writer_over(transport), data_of(3 * SEGMENT))
    assert transport.kept() == []


async def test_larger_shards_of_a_lower_profile_need_more_room() -> None:
    """4+2 does not fit on all six, and the shards of 2+2 do not fit on the rest: refused, not squeezed in."""
    transport = MemoryTransport(6)
    for store in transport.stores.values():
        store.free_bytes = 1500
    transport.stores[6].free_bytes = 0
    with pytest.raises(StorageFull):
        await write(writer_over(transport), data_of(SEGMENT))


async def test_a_wanted_profile_is_used_while_it_fits() -> None:
    transport = MemoryTransport(6)
    writer = writer_over(transport, wanted_profile=Profile(1, 5))
    assert (await write(writer, data_of(SEGMENT))).blob.profile == Profile(1, 5)
    # Whole copies fit on five stores only; fragments fit on all.
    transport.stores[6].free_bytes = 3000
    assert (await write(writer, data_of(SEGMENT))).blob.profile == Profile(4, 2)
    unspared = writer_over(transport, wanted_profile=Profile(1, 0))
    assert (await write(unspared, data_of(SEGMENT))).blob.profile == Profile(1, 0)


async def test_shards_are_spread_over_nodes() -> None:
    transport = MemoryTransport(6, nodes=3)
    written = await write(writer_over(transport), data_of(SEGMENT))
    assert written.blob.profile == Profile(2, 1)
    assert len({transport.stores[number].record.node_id for number in written.blob.stores}) == 3


async def test_a_straggler_at_the_end_is_owed_and_still_finishes() -> None:
    transport, data = MemoryTransport(6), data_of(SEGMENT // 2)
    writer = writer_over(transport, straggler_grace_seconds=0.01)
    slow = transport.stores[3]
    slow.stalled = asyncio.Event()
    written = await write(writer, data)
    assert written.owed == (written.blob.stores.index(3),)
    assert len(transport.kept()) == 5
    assert await asyncio.wait_for(read_without(transport, written, 3), 5) == data
    slow.stalled.set()
    await writer.close()
    assert len(transport.kept()) == 6


async def read_without(transport: MemoryTransport, written: WrittenBlob, number: int) -> bytes:
    transport.stores[number].live = False
    transport.stores[number].stalled, stalled = None, transport.stores[number].stalled
    try:
        return await read(transport, written)
    finally:
        transport.stores[number].live, transport.stores[number].stalled = True, stalled


async def test_a_straggler_in_the_middle_is_given_up() -> None:
    transport, data = MemoryTransport(6), data_of(3 * SEGMENT)
    writer = writer_over(transport, straggler_grace_seconds=0.01)
    transport.stores[3].stalled = asyncio.Event()
    written = await asyncio.wait_for(write(writer, data), 5)
    assert written.owed == (written.blob.stores.index(3),)
    transport.stores[3].stalled.set()
    await writer.close()
    assert 3 not in {number for number, _, _ in transport.kept()}


async def test_without_quorum_stragglers_are_waited_for() -> None:
    transport = MemoryTransport(6)
    writer = writer_over(transport, straggler_grace_seconds=0.01)
    stalled = asyncio.Event()
    for number in (3, 4):
        transport.stores[number].stalled = stalled
    task = asyncio.create_task(write(writer, data_of(SEGMENT)))
    done, _ = await asyncio.wait([task], timeout=0.1)
    assert not done
    stalled.set()
    assert (await task).owed == ()


async def test_discarding_removes_what_was_finished() -> None:
    transport = MemoryTransport(6)
    blob = writer_over(transport).begin(10)
    await blob.write(b"0123456789", last=True)
    await blob.finish()
    assert len(transport.kept()) == 6
    await blob.discard()
    assert transport.kept() == []


async def test_segments_in_flight_are_bounded() -> None:
    transport = MemoryTransport(6)
    writer = writer_over(transport, max_segments_in_flight=2)
    stalled = asyncio.Event()
    for store in transport.stores.values():
        store.stalled = stalled
    blobs = [writer.begin(10) for _ in range(3)]
    tasks = [asyncio.create_task(blob.write(b"0123456789", last=True)) for blob in blobs]
    done, waiting = await asyncio.wait(tasks, timeout=0.05)
    assert (len(done), len(waiting)) == (2, 1)
    stalled.set()
    await asyncio.wait(waiting)
    for blob in blobs:
        assert (await blob.finish()).owed == ()


async def test_segments_out_of_shape_are_refused() -> None:
    blob = writer_over(MemoryTransport(1)).begin(None)
    with pytest.raises(ValueError, match="only the last"):
        await blob.write(b"short", last=False)
    with pytest.raises(ValueError, match="cannot follow"):
        await blob.write(b"", last=True)
    with pytest.raises(ValueError, match="cannot follow"):
        await blob.write(bytes(SEGMENT + 1), last=True)
    await blob.write(bytes(SEGMENT), last=False)
    with pytest.raises(ValueError, match="has not been written"):
        await blob.finish()
    await blob.write(b"end", last=True)
    with pytest.raises(ValueError, match="cannot follow"):
        await blob.write(b"more", last=True)
    assert (await blob.finish()).blob.size == SEGMENT + 3


async def test_plain_blobs_have_no_key() -> None:
    transport, data = MemoryTransport(6), data_of(2 * SEGMENT + 1)
    writer = ShardWriter(transport, None, WriteSettings(segment_bytes=SEGMENT))
    written = await write(writer, data)
    assert written.blob.encryption is None
    assert await read(transport, written) == data
