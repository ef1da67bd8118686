"""The files of a store: durable under their names, gone when discarded, honest about failures."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from dataplane import failpoints
from dataplane.erasure.stripes import SHARD_HEADER_BYTES
from dataplane.shards import files as files_module
from dataplane.shards import layout
from dataplane.shards.blob_ids import new_blob_id
from dataplane.shards.files import StoreDirectory
from dataplane.shards.identity import NotAStore, prepare_store, read_identity
from dataplane.transport.base import ShardMissing, ShardUnreadable, StoreFailed, StoreHasNoRoom

BLOB = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
HEADER = b"h" * SHARD_HEADER_BYTES


@pytest.fixture
def store(tmp_path: Path) -> StoreDirectory:
    return StoreDirectory(1, tmp_path, prepare_store(tmp_path).id, reserve_bytes=0)


def published(store: StoreDirectory) -> list[Path]:
    return sorted(store.path.glob("shards/*/*/*"))


def temporary(store: StoreDirectory) -> list[Path]:
    return sorted(store.path.glob("tmp/*/*"))


def test_a_shard_is_published_whole(store: StoreDirectory) -> None:
    pending = store.create(BLOB, 3, 100)
    assert len(temporary(store)) == 1
    pending.append([b"frame ", memoryview(b"one")])
    pending.append([b", frame two"])
    assert published(store) == []
    pending.publish(HEADER)
    (file,) = published(store)
    assert file == store.path / "shards/0a/5d/01890a5d-ac96-774b-bcce-b302099a8057.3"
    assert file.read_bytes() == HEADER + b"frame one, frame two"
    assert temporary(store) == []
    assert file.stat().st_mode & 0o777 == 0o600


def test_extents_are_read(store: StoreDirectory) -> None:
    pending = store.create(BLOB, 0, 100)
    pending.append([b"0123456789"])
    pending.publish(HEADER)
    shard = store.open(BLOB, 0)
    assert shard.read([(0, 2), (SHARD_HEADER_BYTES + 3, 4)]) == [b"hh", b"3456"]
    with pytest.raises(ShardUnreadable, match="cut short: 2 of 5 bytes"):
        shard.read([(SHARD_HEADER_BYTES + 8, 5)])
    shard.close()


def test_a_missing_shard_is_told_from_a_missing_store(store: StoreDirectory) -> None:
    with pytest.raises(ShardMissing, match="store 1"):
        store.open(BLOB, 0)
    with pytest.raises(StoreFailed, match=r"no store\.json"):
        StoreDirectory(2, store.path / "gone", "id").space()


@pytest.mark.parametrize("publish", [False, True])
def test_a_discarded_shard_leaves_nothing(store: StoreDirectory, publish: bool) -> None:
    pending = store.create(BLOB, 0, 100)
    pending.append([b"bytes"])
    if publish:
        pending.publish(HEADER)
    pending.discard()
    pending.discard()
    assert published(store) == temporary(store) == []


def test_deleting_is_idempotent(store: StoreDirectory) -> None:
    pending = store.create(BLOB, 0, 100)
    pending.publish(HEADER)
    assert store.delete(BLOB, 0)
    assert not store.delete(BLOB, 0)
    assert published(store) == []


def test_deleting_in_a_store_that_is_away_is_a_failure(store: StoreDirectory, tmp_path: Path) -> None:
    tmp_path.rename(tmp_path.with_name("away"))
    with pytest.raises(StoreFailed):
        store.delete(BLOB, 0)


def test_an_unmounted_drive_is_not_written(store: StoreDirectory, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    with pytest.raises(StoreFailed):
        store.create(BLOB, 0, 100)
    with pytest.raises(StoreFailed):
        store.space()
    assert list(tmp_path.iterdir()) == []


def test_another_drive_in_its_place_is_not_used(store: StoreDirectory, tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text('{"format": 1, "id": "another"}')
    with pytest.raises(StoreFailed, match="is the store another"):
        store.space()


def test_space_is_checked_before_writing(tmp_path: Path) -> None:
    identity = prepare_store(tmp_path)
    full = StoreDirectory(1, tmp_path, identity.id, reserve_bytes=1 << 60)
    assert full.space().free_bytes == 0
    with pytest.raises(StoreHasNoRoom):
        full.create(BLOB, 0, files_module.UNCHECKED_BYTES + 1)
    roomy = StoreDirectory(1, tmp_path, identity.id, reserve_bytes=0).space()
    assert 0 < roomy.free_bytes <= roomy.total_bytes


@pytest.mark.parametrize("error", [errno.EIO, errno.EROFS])
@pytest.mark.parametrize("place", ["shards.synced", "shards.renamed"])
def test_a_failing_drive_fails_the_shard(store: StoreDirectory, error: int, place: str) -> None:
    pending = store.create(BLOB, 0, 100)
    with failpoints.armed(place, failpoints.failing(error)), pytest.raises(StoreFailed, match="store 1"):
        pending.publish(HEADER)
    pending.discard()
    assert published(store) == temporary(store) == []


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_drive_is_told_from_a_broken_one(store: StoreDirectory, error: int) -> None:
    pending = store.create(BLOB, 0, 100)
    with failpoints.armed("shards.appended", failpoints.failing(error)), pytest.raises(StoreHasNoRoom):
        pending.append([b"bytes"])
    pending.discard()


def test_short_writes_are_continued(store: StoreDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pwrite
    monkeypatch.setattr(os, "pwritev", lambda fd, buffers, offset: real(fd, bytes(buffers[0])[:3], offset))
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: real(fd, bytes(data)[:4], offset))
    pending = store.create(BLOB, 0, 100)
    pending.append([b"first ", b"second"])
    pending.publish(HEADER)
    assert published(store)[0].read_bytes() == HEADER + b"first second"


def test_a_leaf_that_vanished_is_made_again(store: StoreDirectory) -> None:
    store.create(BLOB, 0, 100).publish(HEADER)
    shutil.rmtree(store.path / "shards/0a")
    store.create(BLOB, 1, 100).publish(HEADER)
    assert [file.name for file in published(store)] == [f"{BLOB}.1"]


def test_file_and_directory_are_synced_before_it_counts(store: StoreDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def recorded(name: str, call: Callable[..., None]) -> Callable[..., None]:
        def wrapper(*arguments: object) -> None:
            call(*arguments)
            order.append(name)

        return wrapper

    store.create(BLOB, 0, 100).publish(HEADER)
    for name in ("fdatasync", "rename", "fsync"):
        monkeypatch.setattr(os, name, recorded(name, getattr(os, name)))
    store.create(BLOB, 1, 100).publish(HEADER)
    assert order == ["fdatasync", "rename", "fsync"]


def test_a_new_directory_is_synced_into_its_parent(store: StoreDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(store._sync, "sync", synced.append)
    store.create(BLOB, 0, 100).publish(HEADER)
    shards = f"{store.path}/shards"
    assert synced == [shards, f"{shards}/0a", f"{shards}/0a/5d"]
    store.create(BLOB, 1, 100).publish(HEADER)
    assert synced[3:] == [f"{shards}/0a/5d"]


def test_large_shards_are_pushed_out_early(store: StoreDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed: list[tuple[int, int]] = []
    monkeypatch.setattr(files_module, "_start_writeback", lambda _fd, offset, length: pushed.append((offset, length)))
    pending = store.create(BLOB, 0, 100)
    for _ in range(5):
        pending.append([bytes(1 << 20)])
    pending.discard()
    assert [length for _, length in pushed] == [(2 << 20) + SHARD_HEADER_BYTES, 2 << 20]


# Identity and layout


def test_a_store_keeps_its_identity(tmp_path: Path) -> None:
    identity = prepare_store(tmp_path / "new" / "store")
    assert prepare_store(tmp_path / "new" / "store") == identity == read_identity(tmp_path / "new" / "store")
    assert len(identity.id) == 32
    assert prepare_store(tmp_path / "other").id != identity.id


def test_racing_processes_agree_on_one_identity(tmp_path: Path) -> None:
    ids: list[str] = []
    threads = [threading.Thread(target=lambda: ids.append(prepare_store(tmp_path).id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["shards", "store.json", "tmp"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2, "id": "x"}', '{"format": 1, "id": 5}'])
def test_an_unreadable_identity_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "store.json").write_text(content)
    with pytest.raises(NotAStore, match=r"store\.json"):
        prepare_store(tmp_path)


def test_blobs_of_a_moment_share_a_directory() -> None:
    first, second = new_blob_id(), new_blob_id()
    assert first.version == second.version == 7
    assert first != second
    assert os.path.dirname(layout.shard_path("/s", first, 0)) == os.path.dirname(layout.shard_path("/s", first, 5))
    assert {len(str(layout.temporary_path("/s", first, 0)).split("/")[3]) for _ in range(3)} == {2}


def test_ids_are_ordered_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    moment = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: moment)
    earlier = new_blob_id()
    monkeypatch.setattr(time, "time_ns", lambda: moment + 1_000_000)
    assert earlier < new_blob_id()
