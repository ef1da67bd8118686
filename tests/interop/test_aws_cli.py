"""aws-cli: the commands of the first minute, copies in parts, and trees synchronised both ways."""

from __future__ import annotations

import json
from pathlib import Path

from tests.interop.conftest import Tree
from tests.interop.material import BigFile, digests, sha256_of
from tests.support.clients import Clients


def test_the_first_minute(clients: Clients, tmp_path: Path) -> None:
    """As typed in the quick start."""
    (tmp_path / "big.bin").write_bytes(bytes(range(256)) * (20 << 12))  # 20 MiB: three parts
    out = clients.shell(
        "aws s3 mb s3://photos; aws s3 cp --no-progress big.bin s3://photos/; aws s3 ls s3://photos", cwd=tmp_path
    )
    assert "make_bucket: photos" in out
    assert out.rstrip().endswith("20971520 big.bin")
    clients.shell("aws s3 cp --no-progress s3://photos/big.bin back.bin", cwd=tmp_path)
    assert (tmp_path / "back.bin").read_bytes() == (tmp_path / "big.bin").read_bytes()
    assert "photos" in clients.shell("aws s3 ls")
    clients.shell("aws s3 rb --force s3://photos")
    assert "photos" not in clients.shell("aws s3 ls")


def test_objects(clients: Clients, tmp_path: Path) -> None:
    (tmp_path / "letters").write_bytes(b"abcdefghijklmnopqrstuvwxyz")
    clients.shell(
        "aws s3api create-bucket --bucket awscli-objects >/dev/null\n"
        "aws s3 cp --no-progress letters s3://awscli-objects/ä/1 --content-type text/plain --metadata colour=blue\n"
        "aws s3api copy-object --copy-source awscli-objects/ä/1 --bucket awscli-objects --key ä/2 >/dev/null\n"
        "aws s3api get-object --bucket awscli-objects --key ä/2 --range bytes=3-6 part >/dev/null",
        cwd=tmp_path,
    )
    assert (tmp_path / "part").read_bytes() == b"defg"
    head = json.loads(clients.shell("aws s3api head-object --bucket awscli-objects --key ä/1 --output json"))
    assert (head["ContentType"], head["Metadata"], head["ContentLength"]) == ("text/plain", {"colour": "blue"}, 26)
    query = "--query 'Contents[].[Key,Size]' --output json"
    listed = clients.shell(f"aws s3api list-objects-v2 --bucket awscli-objects --prefix ä/ --max-items 10 {query}")
    assert json.loads(listed) == [["ä/1", 26], ["ä/2", 26]]
    assert clients.shell("aws s3 cp --no-progress s3://awscli-objects/ä/1 -") == "abcdefghijklmnopqrstuvwxyz"
    presigned = clients.shell(
        "curl -sS -o fetched -w '%{http_code}' \"$(aws s3 presign s3://awscli-objects/ä/1)\"", cwd=tmp_path
    )
    assert presigned == "200"
    assert (tmp_path / "fetched").read_bytes() == (tmp_path / "letters").read_bytes()
    clients.shell("aws s3 rm --recursive s3://awscli-objects; aws s3api delete-bucket --bucket awscli-objects")


def test_a_write_that_must_not_replace(clients: Clients, tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"1")
    put = "aws s3api put-object --bucket awscli-once --key k --body one --if-none-match '*'"
    clients.shell(f"aws s3 mb s3://awscli-once; {put} >/dev/null", cwd=tmp_path)
    refused = clients.shell(f"! {put} 2>&1", cwd=tmp_path)
    assert "PreconditionFailed" in refused
    clients.shell("aws s3 rb --force s3://awscli-once")


def test_a_copy_in_parts(clients: Clients, big_object: str, big_file: BigFile, tmp_path: Path) -> None:
    clients.shell(
        f"aws s3 mb s3://awscli-copy; aws s3 cp --no-progress 's3://{big_object}' s3://awscli-copy/copy\n"
        "aws s3 cp --no-progress s3://awscli-copy/copy back; aws s3 rb --force s3://awscli-copy",
        cwd=tmp_path,
    )
    assert sha256_of(tmp_path / "back") == big_file.sha256
    (tmp_path / "back").unlink()


def test_a_tree_there_and_back(clients: Clients, tree: Tree, tmp_path: Path) -> None:
    clients.shell(f"aws s3 mb s3://awscli-tree; aws s3 sync --only-show-errors '{tree.folder}' s3://awscli-tree/in/")
    clients.shell("aws s3 sync --only-show-errors s3://awscli-tree/in/ back", cwd=tmp_path)
    assert digests(tmp_path / "back") == tree.digests
    again = clients.shell("aws s3 sync back s3://awscli-tree/in/ --size-only", cwd=tmp_path)
    assert again == "", "nothing had changed"
    gone = sorted(tree.digests)[0]
    (tmp_path / "back" / gone).unlink()
    clients.shell("aws s3 sync --only-show-errors --delete --size-only back s3://awscli-tree/in/", cwd=tmp_path)
    keys = clients.shell("aws s3api list-objects-v2 --bucket awscli-tree --query 'Contents[].Key' --output json")
    assert json.loads(keys) == sorted((f"in/{name}" for name in tree.digests if name != gone), key=str.encode)
    clients.shell("aws s3 rb --force s3://awscli-tree >/dev/null")
    assert "awscli-tree" not in clients.shell("aws s3 ls")
