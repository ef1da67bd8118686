"""rclone (the Go SDK): trailing checksums, streams of unknown length, copies inside the store, checked trees."""

from __future__ import annotations

from pathlib import Path

from tests.interop.conftest import Tree
from tests.interop.material import BigFile, digests, sha256_of
from tests.support.clients import Clients

QUICK = "--retries 1 --low-level-retries 1"
"""Nothing may need a second try."""


def test_objects(clients: Clients, tmp_path: Path) -> None:
    (tmp_path / "letters").write_bytes(b"abcdefghijklmnopqrstuvwxyz")
    clients.shell(
        f"rclone {QUICK} mkdir anvil:rclone-objects\n"
        f"rclone {QUICK} copyto letters 'anvil:rclone-objects/a b/ä'\n"
        f"head -c 7000000 /dev/zero | rclone {QUICK} rcat anvil:rclone-objects/stream\n"
        f"rclone {QUICK} cat --offset 3 --count 4 'anvil:rclone-objects/a b/ä' >part",
        cwd=tmp_path,
    )
    assert (tmp_path / "part").read_bytes() == b"defg"
    listed = clients.shell(f"rclone {QUICK} lsf -R --files-only --format sp anvil:rclone-objects")
    assert sorted(listed.splitlines()) == ["26;a b/ä", "7000000;stream"]
    assert "rclone-objects/" in clients.shell(f"rclone {QUICK} lsf anvil:")
    sums = clients.shell(f"rclone {QUICK} md5sum --include 'a b/*' anvil:rclone-objects")
    assert sums.startswith("c3fcd3d76192e4007dfb496cca67e13b"), "the ETag is the MD5"
    clients.shell(f"rclone {QUICK} purge anvil:rclone-objects")
    assert "rclone-objects/" not in clients.shell(f"rclone {QUICK} lsf anvil:")


def test_a_copy_in_parts(clients: Clients, big_object: str, big_file: BigFile, tmp_path: Path) -> None:
    clients.shell(
        f"rclone {QUICK} mkdir anvil:rclone-copy\n"
        f"rclone {QUICK} --s3-copy-cutoff 64Mi copyto 'anvil:{big_object}' anvil:rclone-copy/copy\n"
        f"rclone {QUICK} copyto anvil:rclone-copy/copy back; rclone {QUICK} purge anvil:rclone-copy",
        cwd=tmp_path,
    )
    assert sha256_of(tmp_path / "back") == big_file.sha256
    (tmp_path / "back").unlink()


def test_a_tree_there_and_back(clients: Clients, tree: Tree, tmp_path: Path) -> None:
    clients.shell(
        f"rclone {QUICK} mkdir anvil:rclone-tree; rclone {QUICK} sync '{tree.folder}' anvil:rclone-tree/in\n"
        f"rclone {QUICK} check --download '{tree.folder}' anvil:rclone-tree/in 2>&1",
    )
    clients.shell(f"rclone {QUICK} sync anvil:rclone-tree/in back", cwd=tmp_path)
    assert digests(tmp_path / "back") == tree.digests
    gone = sorted(tree.digests)[0]
    (tmp_path / "back" / gone).unlink()
    clients.shell(f"rclone {QUICK} sync back anvil:rclone-tree/in", cwd=tmp_path)
    left = clients.shell(f"rclone {QUICK} lsf -R --files-only anvil:rclone-tree/in").splitlines()
    assert sorted(left) == sorted(name for name in tree.digests if name != gone)
    clients.shell(f"rclone {QUICK} purge anvil:rclone-tree")
