"""The local transport: failures per shard, one lane per drive, drives that hang or vanish."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from dataplane.contracts import StoreRecord
from dataplane.erasure.stripes import SHARD_HEADER_BYTES
from dataplane.shards.blob_ids import new_blob_id
from dataplane.transport.base import ShardFailure, ShardMissing, StoreFailed, StoreSpace
from dataplane.transport.lanes import Lane
from dataplane.transport.local import LocalLimits, LocalTransport
from tests.support.engine import Stores, make_stores
from tests.support.memory_tasks import ManualClock

HEADER = b"h" * SHARD_HEADER_BYTES


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    made = make_stores(tmp_path, 3)
    yield made
    made.transport.close()


async def write(transport: LocalTransport, blob_id: UUID, placed: dict[int, int]) -> dict[int, ShardFailure]:
    failures: dict[int, ShardFailure] = {}
    for group in transport.write_groups(blob_id, placed, 100):
        frames = {index: [b"frame ", str(index).encode()] for index in group.indexes}
        failures.update(await group.append(frames, dict.fromkeys(group.indexes, HEADER)))
    return failures


async def read(transport: LocalTransport, blob_id: UUID, placed: dict[int, int]) -> dict[int, object]:
    found: dict[int, object] = {}
    for group in transport.read_groups(blob_id, placed):
        found.update(await group.read(list(group.indexes), [(SHARD_HEADER_BYTES, 7)]))
        group.close()
    return found


async def test_shards_of_one_drive_are_one_group(stores: Stores) -> None:
    blob_id, placed = new_blob_id(), {0: 1, 1: 2, 2: 3}
    assert len(stores.transport.write_groups(blob_id, placed, 100)) == 1
    assert await write(stores.transport, blob_id, placed) == {}
    assert await read(stores.transport, blob_id, placed) == {i: [f"frame {i}".encode()] for i in range(3)}


async def test_a_failing_store_does_not_hide_the_others(stores: Stores) -> None:
    stores.paths[1].rename(stores.paths[1].with_name("away"))
    blob_id, placed = new_blob_id(), {0: 1, 1: 2, 2: 3}
    failures = await write(stores.transport, blob_id, placed)
    assert list(failures) == [1]
    assert isinstance(failures[1], StoreFailed)
    found = await read(stores.transport, blob_id, placed)
    assert isinstance(found[1], ShardMissing)
    assert (found[0], found[2]) == ([b"frame 0"], [b"frame 2"])


async def test_a_shard_of_an_unknown_store_has_no_group(stores: Stores) -> None:
    assert [g.indexes for g in stores.transport.read_groups(new_blob_id(), {0: 1, 1: 99})] == [(0,)]


async def test_discarding_removes_the_group(stores: Stores) -> None:
    (group,) = stores.transport.write_groups(new_blob_id(), {0: 1, 1: 2}, 100)
    await group.append({0: [b"a"], 1: [b"b"]}, {0: HEADER, 1: HEADER})
    assert len(stores.shard_files()) == 2
    await group.discard()
    assert await group.append({0: [b"late"]}, {0: HEADER}) == {}
    stores.transport.close()
    assert stores.shard_files() == stores.temporary_files() == []


async def test_deleting_says_which_shards_remain(stores: Stores) -> None:
    blob_id, placed = new_blob_id(), {0: 1, 1: 2, 2: 3}
    await write(stores.transport, blob_id, placed)
    stores.paths[0].rename(stores.paths[0].with_name("away"))
    failures = await stores.transport.delete(blob_id, {**placed, 3: 42})
    assert sorted(failures) == [0, 3]
    assert "not known" in str(failures[3])
    assert len(stores.shard_files()) == 0
    assert await stores.transport.delete(blob_id, {1: 2, 2: 3}) == {}


async def test_writable_stores_live_and_have_room(stores: Stores) -> None:
    assert [store.number for store in await stores.transport.writable(100)] == [1, 2, 3]
    assert await stores.transport.writable(1 << 62) == []
    (stores.paths[2] / "store.json").unlink()
    assert [store.number for store in await stores.transport.writable(100)] == [1, 2]
    spaces = await stores.transport.spaces()
    assert isinstance(spaces[1], StoreSpace)
    assert isinstance(spaces[3], StoreFailed)


async def test_what_is_known_of_stores_is_kept_for_a_moment(tmp_path: Path) -> None:
    made = make_stores(tmp_path, 2)
    made.transport.close()
    clock = ManualClock()
    transport = LocalTransport(
        list(zip(made.records, made.directories, strict=True)), limits=LocalLimits(probe_seconds=1.0), clock=clock
    )
    assert len(await transport.writable(0)) == 2
    made.paths[0].rename(tmp_path / "away")
    assert len(await transport.writable(0)) == 2
    clock.seconds += 1.0
    assert len(await transport.writable(0)) == 1
    (tmp_path / "away").rename(made.paths[0])
    assert len(await transport.writable(0)) == 1
    # A failure makes it look again at once.
    made.paths[1].rename(tmp_path / "away")
    assert list(await write(transport, new_blob_id(), {0: 2})) == [0]
    assert [store.number for store in await transport.writable(0)] == [1]
    transport.close()


async def test_read_only_stores_take_no_shard(tmp_path: Path) -> None:
    made = make_stores(tmp_path, 1)
    made.transport.close()
    record = StoreRecord(1, made.records[0].id, "node", read_only=True)
    transport = LocalTransport([(record, made.directories[0])])
    assert await transport.writable(0) == []
    transport.close()


class HangingStore:
    """A store on a drive of its own that does not answer until it is let go."""

    number = 1

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def device(self) -> int:
        return -1

    def space(self) -> StoreSpace:
        self.go_on.wait()
        return StoreSpace(1, 1)

    def create(self, blob_id: UUID, index: int, expected_bytes: int) -> None:
        self.go_on.wait()
        raise StoreFailed("too late")

    open = delete = create


async def test_a_hanging_drive_fails_in_time_and_alone(tmp_path: Path) -> None:
    made = make_stores(tmp_path, 1)
    made.transport.close()
    hanging = HangingStore()
    transport = LocalTransport(
        [(StoreRecord(1, "hanging", "node"), hanging), (StoreRecord(2, "fine", "node"), made.directories[0])],  # type: ignore[list-item]
        limits=LocalLimits(timeout_seconds=0.05),
    )
    blob_id = new_blob_id()
    groups = transport.write_groups(blob_id, {0: 1, 1: 2}, 100)
    assert len(groups) == 2
    failures = await asyncio.gather(
        *(g.append({i: [b"x"] for i in g.indexes}, dict.fromkeys(g.indexes, HEADER)) for g in groups)
    )
    assert [sorted(failure) for failure in failures] == [[0], []]
    assert "did not answer" in str(failures[0][0])
    hanging.go_on.set()
    transport.close()


async def test_a_lane_takes_a_bounded_number_of_jobs() -> None:
    lane = Lane("lane", read_threads=1, write_threads=1, max_waiting_jobs=2, timeout_seconds=5.0)
    go_on = threading.Event()
    waiting = [asyncio.create_task(lane.read(go_on.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(StoreFailed, match="too many"):
        await lane.write(lambda: None)
    go_on.set()
    assert await asyncio.gather(*waiting) == [True, True]
    await lane.write(lambda: None)
    lane.close()


async def test_reads_side_by_side_close_their_files_once(stores: Stores) -> None:
    blob_id, placed = new_blob_id(), {0: 1, 1: 2}
    await write(stores.transport, blob_id, placed)
    (group,) = stores.transport.read_groups(blob_id, placed)
    answers = await asyncio.gather(*(group.read([0, 1], [(SHARD_HEADER_BYTES, 5)]) for _ in range(10)))
    assert all(answer == {0: [b"frame"], 1: [b"frame"]} for answer in answers)
    group.close()
    group.close()
    late = await group.read([0], [(0, 1)])
    assert isinstance(late[0], StoreFailed)


async def test_a_hanging_drive_holds_up_the_first_caller_only(tmp_path: Path) -> None:
    made = make_stores(tmp_path, 1)
    made.transport.close()
    hanging = HangingStore()
    transport = LocalTransport(
        [(StoreRecord(1, "hanging", "node"), hanging), (StoreRecord(2, "fine", "node"), made.directories[0])],  # type: ignore[list-item]
        limits=LocalLimits(probe_seconds=0.0, probe_wait_seconds=0.2),
    )
    loop = asyncio.get_running_loop()
    waits = []
    for _ in range(5):
        began = loop.time()
        assert [store.number for store in await transport.writable(0)] == [2]
        waits.append(loop.time() - began)
    assert waits[0] >= 0.15
    assert min(waits[1:]) < 0.1
    spaces = await transport.spaces()
    assert "did not answer" in str(spaces[1])
    hanging.go_on.set()
    async with asyncio.timeout(5):
        while len(await transport.writable(0)) < 2:  # noqa: ASYNC110 - a thread ends
            await asyncio.sleep(0.001)
    transport.close()


async def test_one_look_serves_all_who_wait(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    space = type(stores.directories[0]).space

    def counted(self: object) -> StoreSpace:
        nonlocal looks
        looks += 1
        return space(self)  # type: ignore[arg-type]

    monkeypatch.setattr(type(stores.directories[0]), "space", counted)
    answers = await asyncio.gather(*(stores.transport.writable(0) for _ in range(20)))
    assert all(len(answer) == 3 for answer in answers)
    assert looks == 3
