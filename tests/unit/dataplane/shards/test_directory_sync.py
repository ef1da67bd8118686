"""Shared directory syncs: a sync that began before the rename does not count for it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from dataplane.shards import directory_sync
from dataplane.shards.directory_sync import DirectorySync


class GatedSync:
    """Stands in for the system call; each sync waits until the test lets it go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.count = 0
        self.failures: dict[int, OSError] = {}
        monkeypatch.setattr(directory_sync, "_fsync_directory", self)

    def __call__(self, _path: str) -> None:
        self.count += 1
        mine = self.count
        self.begun.release()
        assert self.go_on.acquire(timeout=10)
        if mine in self.failures:
            raise self.failures[mine]


def in_thread(sync: DirectorySync, path: str, failures: list[OSError]) -> threading.Thread:
    def run() -> None:
        try:
            sync.sync(path)
        except OSError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def wait_for_users(sync: DirectorySync, path: str, users: int) -> None:
    with sync._changed:
        pass
    deadline = threading.Event()
    for _ in range(10_000):
        with sync._changed:
            if path in sync._turns and sync._turns[path].users == users:
                return
        deadline.wait(0.001)
    raise AssertionError("the threads did not come")


def test_latecomers_share_the_next_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, sync, failures = GatedSync(monkeypatch), DirectorySync(), []
    first = in_thread(sync, "/d", failures)
    assert gate.begun.acquire(timeout=10)
    late = [in_thread(sync, "/d", failures) for _ in range(5)]
    wait_for_users(sync, "/d", 6)
    gate.go_on.release()
    first.join(10)
    assert gate.begun.acquire(timeout=10)
    assert all(thread.is_alive() for thread in late)
    gate.go_on.release()
    for thread in late:
        thread.join(10)
    assert gate.count == 2
    assert failures == []
    assert sync._turns == {}


def test_a_failure_reaches_those_it_concerns(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, sync = GatedSync(monkeypatch), DirectorySync()
    gate.failures[2] = OSError(5, "Input/output error")
    first_failures: list[OSError] = []
    late_failures: list[OSError] = []
    first = in_thread(sync, "/d", first_failures)
    assert gate.begun.acquire(timeout=10)
    late = [in_thread(sync, "/d", late_failures) for _ in range(3)]
    wait_for_users(sync, "/d", 4)
    gate.go_on.release(2)
    for thread in [first, *late]:
        thread.join(10)
    assert (len(first_failures), len(late_failures)) == (0, 3)


def test_directories_do_not_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, sync, failures = GatedSync(monkeypatch), DirectorySync(), []
    threads = [in_thread(sync, path, failures) for path in ("/a", "/b")]
    assert gate.begun.acquire(timeout=10)
    assert gate.begun.acquire(timeout=10)
    gate.go_on.release(2)
    for thread in threads:
        thread.join(10)


def test_a_real_directory_is_synced(tmp_path: Path) -> None:
    sync = DirectorySync()
    sync.sync(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        sync.sync(str(tmp_path / "missing"))
    assert sync._turns == {}
