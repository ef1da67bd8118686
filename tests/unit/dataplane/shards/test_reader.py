"""Reading blobs: never wrong bytes, from any k good shards, only what is asked for."""

from __future__ import annotations

import asyncio
import itertools
import random
from contextlib import aclosing
from dataclasses import replace

import pytest
from prometheus_client import REGISTRY

from dataplane.contracts import BlobRecord, Encryption, Profile
from dataplane.crypto.envelope import Envelope
from dataplane.erasure.stripes import SHARD_HEADER_BYTES, Stripes
from dataplane.errors import EncryptionKeyMissing, ObjectDamaged
from dataplane.shards.placing import WriteSettings
from dataplane.shards.reader import ReadSettings, ShardReader
from dataplane.shards.writer import ShardWriter
from tests.support.engine import RING
from tests.support.memory_transport import MemoryTransport

SEGMENT = 4096
SIZE = 5 * SEGMENT + 123
DATA = random.Random(7).randbytes(SIZE)
ENVELOPE = Envelope(RING)


async def stored(stores: int = 6, *, encrypt: bool = True) -> tuple[MemoryTransport, BlobRecord]:
    transport = MemoryTransport(stores)
    writer = ShardWriter(transport, ENVELOPE if encrypt else None, WriteSettings(segment_bytes=SEGMENT))
    blob = writer.begin(SIZE)
    for start in range(0, SIZE, SEGMENT):
        await blob.write(DATA[start : start + SEGMENT], last=start + SEGMENT >= SIZE)
    return transport, (await blob.finish()).blob


async def read(transport: MemoryTransport, blob: BlobRecord, start: int = 0, stop: int = SIZE) -> bytes:
    return b"".join([bytes(piece) async for piece in ShardReader(transport, ENVELOPE).read(blob, start, stop)])


def flip(transport: MemoryTransport, blob: BlobRecord, index: int, position: int) -> None:
    shards = transport.stores[blob.stores[index]].shards
    altered = bytearray(shards[blob.id, index])
    altered[position] ^= 1
    shards[blob.id, index] = bytes(altered)


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_any_two_of_six_may_be_lost() -> None:
    transport, blob = await stored()
    for lost in itertools.combinations(range(1, 7), 2):
        for number in lost:
            transport.stores[number].live = False
        assert await read(transport, blob) == DATA
        for number in lost:
            transport.stores[number].live = True


async def test_a_third_loss_is_an_honest_failure() -> None:
    transport, blob = await stored()
    for index in (0, 3, 5):
        del transport.stores[blob.stores[index]].shards[blob.id, index]
    with pytest.raises(ObjectDamaged, match="3 readable shards and needs 4"):
        await read(transport, blob)


@pytest.mark.parametrize("encrypt", [True, False])
@pytest.mark.parametrize("index", [0, 3])
async def test_wrong_bytes_count_as_missing(index: int, encrypt: bool) -> None:
    stripes = Stripes(SIZE, SEGMENT, Profile(4, 2), encrypt)
    spots = [
        0,
        20,
        63,
        SHARD_HEADER_BYTES,
        SHARD_HEADER_BYTES + 30,
        stripes.frame_offset(3) + 5,
        stripes.shard_bytes - 1,
    ]
    for position in spots:
        transport, blob = await stored(encrypt=encrypt)
        flip(transport, blob, index, position)
        before = metric("anvil_shard_frames_total", outcome="corrupt")
        degraded = metric("anvil_blob_segments_degraded_total")
        assert await read(transport, blob) == DATA
        assert metric("anvil_shard_frames_total", outcome="corrupt") >= before + 1
        assert metric("anvil_blob_segments_degraded_total") > degraded


async def test_different_shards_may_be_bad_in_different_segments() -> None:
    transport, blob = await stored()
    stripes = Stripes.of(blob)
    flip(transport, blob, 0, stripes.frame_offset(1) + 40)
    flip(transport, blob, 2, stripes.frame_offset(4) + 40)
    assert await read(transport, blob) == DATA


async def test_a_shard_of_another_blob_is_not_taken() -> None:
    transport, blob = await stored()
    other_transport, other = await stored()
    foreign = other_transport.stores[other.stores[1]].shards[other.id, 1]
    transport.stores[blob.stores[1]].shards[blob.id, 1] = foreign
    assert await read(transport, blob) == DATA


async def test_shards_that_changed_places_are_not_taken() -> None:
    transport, blob = await stored()
    first, second = (transport.stores[blob.stores[i]].shards for i in (0, 1))
    first[blob.id, 0], second[blob.id, 1] = second[blob.id, 1], first[blob.id, 0]
    assert await read(transport, blob) == DATA


async def test_cut_shards_are_not_taken() -> None:
    transport, blob = await stored()
    shards = transport.stores[blob.stores[2]].shards
    shards[blob.id, 2] = shards[blob.id, 2][:-1]
    assert await read(transport, blob) == DATA


async def test_ranges_read_only_their_segments() -> None:
    transport, blob = await stored()
    for start, stop in itertools.combinations([0, 1, SEGMENT - 1, SEGMENT, 2 * SEGMENT + 7, 5 * SEGMENT, SIZE], 2):
        assert await read(transport, blob, start, stop) == DATA[start:stop]
    for store in transport.stores.values():
        store.reads = 0
    assert await read(transport, blob, SEGMENT + 5, SEGMENT + 6) == DATA[SEGMENT + 5 : SEGMENT + 6]
    assert sum(store.reads for store in transport.stores.values()) == 4
    assert await read(transport, blob, 7, 7) == b""
    assert sum(store.reads for store in transport.stores.values()) == 4


async def test_a_good_read_asks_for_the_data_shards_only() -> None:
    transport, blob = await stored()
    await read(transport, blob)
    assert [transport.stores[number].reads > 0 for number in blob.stores] == [True] * 4 + [False] * 2


async def test_a_bad_shard_is_not_asked_twice() -> None:
    transport, blob = await stored()
    transport.stores[blob.stores[0]].live = False
    reader = ShardReader(transport, ENVELOPE, ReadSettings(read_ahead_segments=0))
    assert b"".join([bytes(piece) async for piece in reader.read(blob, 0, SIZE)]) == DATA
    assert transport.stores[blob.stores[0]].reads == 1


async def test_read_ahead_is_bounded() -> None:
    transport, blob = await stored(1)
    store = transport.stores[1]
    for settings, most in ((ReadSettings(read_ahead_segments=2), 3), (ReadSettings(2, max_segments_in_flight=1), 2)):
        store.reads = 0
        async with aclosing(ShardReader(transport, ENVELOPE, settings).read(blob, 0, SIZE)) as pieces:
            assert await anext(pieces) == DATA[:SEGMENT]
            for _ in range(20):
                await asyncio.sleep(0)
            assert store.reads <= most


async def test_memory_bound_is_given_back() -> None:
    transport, blob = await stored()
    reader = ShardReader(transport, ENVELOPE)
    for stop_early in (False, True):
        async with aclosing(reader.read(blob, 0, SIZE)) as pieces:
            async for _ in pieces:
                if stop_early:
                    break
        assert reader._in_flight == 0


async def test_a_cancelled_read_ends_its_tasks() -> None:
    transport, blob = await stored()
    reader = ShardReader(transport, ENVELOPE)
    for store in transport.stores.values():
        store.stalled = asyncio.Event()

    async def consume() -> None:
        async for _ in reader.read(blob, 0, SIZE):
            raise AssertionError("nothing can be read")

    task = asyncio.create_task(consume())
    async with asyncio.timeout(5):
        while sum(store.reads for store in transport.stores.values()) < 3 * 4:  # noqa: ASYNC110 - counted by the stores
            await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert reader._in_flight == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_missing_server_key_is_named() -> None:
    transport, blob = await stored()
    assert blob.encryption is not None
    strange = replace(blob, encryption=Encryption("lost", blob.encryption.wrapped_key))
    with pytest.raises(EncryptionKeyMissing, match="'lost'"):
        await read(transport, strange)


async def test_a_key_that_was_altered_is_noticed() -> None:
    transport, blob = await stored()
    assert blob.encryption is not None
    altered = bytes(60)
    with pytest.raises(ObjectDamaged):
        await read(transport, replace(blob, encryption=Encryption(blob.encryption.key_id, altered)))


async def test_a_row_that_lies_about_the_size_is_noticed() -> None:
    """Cut at a segment in the database: the shards say otherwise."""
    transport, blob = await stored()
    with pytest.raises(ObjectDamaged):
        await read(transport, replace(blob, size=2 * SEGMENT), 0, 2 * SEGMENT)


async def test_stores_that_nobody_knows_are_lost_shards() -> None:
    transport, blob = await stored()
    strange = replace(blob, stores=(99, 98, *blob.stores[2:]))
    assert await read(transport, strange) == DATA
    with pytest.raises(ObjectDamaged):
        await read(transport, replace(blob, stores=(99, 98, 97, *blob.stores[3:])))
