"""Identity, lock and stores of a node."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from anvil_site.layout import Layout
from anvil_site.node import stores
from anvil_site.node.stores import StorageError, StorageLock, load_identity, prepare_stores


def test_the_identity_is_made_once_and_private(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    first, second = load_identity(layout), load_identity(layout)
    assert first.node_id == second.node_id
    assert len(first.node_id) == 26
    assert stat.S_IMODE(layout.identity.stat().st_mode) == 0o600
    assert load_identity(Layout(tmp_path / "other")).node_id != first.node_id


def test_a_damaged_identity_is_refused(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.node.mkdir()
    layout.identity.write_text("not a key")
    with pytest.raises(StorageError, match="cannot be read"):
        load_identity(layout)


def test_stores_keep_their_ids_and_move_with_their_drives(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "a")
    paths = [tmp_path / "a", tmp_path / "b"]
    first = prepare_stores(paths, layout)
    assert first == prepare_stores(paths, layout)
    assert len({store.store_id for store in first}) == 2
    (tmp_path / "b").rename(tmp_path / "moved")
    moved = prepare_stores([tmp_path / "a", tmp_path / "moved"], layout)
    assert moved[1].store_id == first[1].store_id
    assert moved[1].fault == ""


def test_a_known_store_that_lost_its_identity_is_not_made_anew(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "a")
    paths = [tmp_path / "a", tmp_path / "b"]
    before = prepare_stores(paths, layout)
    shutil.rmtree(tmp_path / "b")
    (tmp_path / "b").mkdir()  # an empty mount point
    gone = prepare_stores(paths, layout)[1]
    assert gone.store_id == before[1].store_id
    assert "mount its drive" in gone.fault
    assert list((tmp_path / "b").iterdir()) == []
    known = json.loads(layout.known_stores.read_text())
    del known[str(tmp_path / "b")]
    layout.known_stores.write_text(json.dumps(known))
    fresh = prepare_stores(paths, layout)[1]
    assert fresh.fault == ""
    assert fresh.store_id != before[1].store_id


def test_a_store_whose_directories_are_gone_is_used_again(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "a")
    before = prepare_stores([tmp_path / "a"], layout)
    shutil.rmtree(tmp_path / "a" / "shards")
    assert prepare_stores([tmp_path / "a"], layout) == before
    assert (tmp_path / "a" / "shards").is_dir()


def test_a_copied_store_is_refused(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "a")
    prepare_stores([tmp_path / "a"], layout)
    (tmp_path / "b").mkdir()
    shutil.copy(tmp_path / "a" / "store.json", tmp_path / "b" / "store.json")
    with pytest.raises(StorageError, match="same store id"):
        prepare_stores([tmp_path / "a", tmp_path / "b"], layout)


def test_a_storage_path_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be used"):
        StorageLock([tmp_path / "file" / "below"])


def test_the_lock_is_exclusive_and_says_who_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys; from pathlib import Path; from anvil_site.node.stores import StorageLock\n"
        "root = Path(sys.argv[1]); lock = StorageLock([root, root / 'drive'])\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StorageError, match=rf"pid {holder.pid}"):
            StorageLock([tmp_path])
        monkeypatch.setattr(stores, "_DYING_SECONDS", 0.1)
        with pytest.raises(StorageError, match=str(tmp_path / "drive")):
            StorageLock([tmp_path / "other", tmp_path / "drive"])
        holder.stdin.close()
    StorageLock([tmp_path / "other"]).release()  # nothing was kept of the lock that was refused
    StorageLock([tmp_path, tmp_path / "drive"]).release()


def test_locking_makes_no_directory_for_a_drive_that_is_not_mounted(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "a")
    prepare_stores([tmp_path / "a", tmp_path / "b"], layout)
    shutil.rmtree(tmp_path / "b")
    StorageLock([tmp_path / "a", tmp_path / "b", tmp_path / "new"]).release()
    assert not (tmp_path / "b").exists()
    assert (tmp_path / "new").is_dir()
