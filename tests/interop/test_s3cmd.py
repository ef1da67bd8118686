"""s3cmd: whole signed payloads, the first version of the listing, copies in parts, trees."""

from __future__ import annotations

from pathlib import Path

from tests.interop.conftest import Tree
from tests.interop.material import BigFile, digests, sha256_of
from tests.support.clients import Clients

S3CMD = (
    's3cmd --config=/dev/null --no-ssl --host="${AWS_ENDPOINT_URL#http://}" --host-bucket="${AWS_ENDPOINT_URL#http://}"'
    ' --region="$AWS_REGION" --no-progress --max-retries=1'
)
"""What `s3cmd --configure` would ask for; keys come from the environment."""


def test_objects(clients: Clients, tmp_path: Path) -> None:
    (tmp_path / "letters").write_bytes(b"abcdefghijklmnopqrstuvwxyz")
    (tmp_path / "parts").write_bytes(bytes(range(256)) * (20 << 12))
    clients.shell(
        f"{S3CMD} mb s3://s3cmd-objects\n"
        f"{S3CMD} put letters 's3://s3cmd-objects/a b/ä'\n"
        f"{S3CMD} put --multipart-chunk-size-mb=5 parts s3://s3cmd-objects/parts\n"
        f"{S3CMD} get 's3://s3cmd-objects/a b/ä' got; {S3CMD} get s3://s3cmd-objects/parts parts-got\n"
        # A get that continues asks for the range from where the file ends.
        f"head -c 3000000 parts >parts-continued; {S3CMD} get --continue s3://s3cmd-objects/parts parts-continued",
        cwd=tmp_path,
    )
    assert (tmp_path / "got").read_bytes() == (tmp_path / "letters").read_bytes()
    assert (tmp_path / "parts-got").read_bytes() == (tmp_path / "parts").read_bytes()
    assert (tmp_path / "parts-continued").read_bytes() == (tmp_path / "parts").read_bytes()
    listed = clients.shell(f"{S3CMD} ls --recursive s3://s3cmd-objects")
    assert [line.split()[2] for line in listed.splitlines()] == ["26", "20971520"]
    assert "s3://s3cmd-objects" in clients.shell(f"{S3CMD} ls")
    clients.shell(f"{S3CMD} rb --recursive --force s3://s3cmd-objects")
    assert "s3://s3cmd-objects" not in clients.shell(f"{S3CMD} ls")


def test_a_copy_in_parts(clients: Clients, big_object: str, big_file: BigFile, tmp_path: Path) -> None:
    clients.shell(
        f"{S3CMD} mb s3://s3cmd-copy\n"
        f"{S3CMD} cp --multipart-chunk-size-mb=64 's3://{big_object}' s3://s3cmd-copy/copy\n"
        f"{S3CMD} get s3://s3cmd-copy/copy back; {S3CMD} rb --recursive --force s3://s3cmd-copy",
        cwd=tmp_path,
    )
    assert sha256_of(tmp_path / "back") == big_file.sha256
    (tmp_path / "back").unlink()


def test_a_tree_there_and_back(clients: Clients, tree: Tree, tmp_path: Path) -> None:
    clients.shell(f"{S3CMD} mb s3://s3cmd-tree; {S3CMD} sync --quiet '{tree.folder}/' s3://s3cmd-tree/in/")
    clients.shell(f"mkdir back; {S3CMD} sync --quiet s3://s3cmd-tree/in/ back/", cwd=tmp_path)
    assert digests(tmp_path / "back") == tree.digests
    clients.shell(f"{S3CMD} rb --recursive --force --quiet s3://s3cmd-tree")
