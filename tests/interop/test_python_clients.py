"""boto3, s3fs, minio-py and pyarrow: each runs its own program of programs/ in the clients' environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.conftest import Tree
from tests.interop.material import BigFile, digests
from tests.support.clients import Clients

PROGRAMS = ("boto3_program", "s3fs_program", "minio_program", "pyarrow_program")


@pytest.mark.parametrize("program", PROGRAMS)
def test_objects(clients: Clients, program: str) -> None:
    assert clients.program(program, "objects").splitlines()[-1] == "done"


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_copy_in_parts(clients: Clients, program: str, big_object: str, big_file: BigFile) -> None:
    assert clients.program(program, "copy", big_object, big_file.sha256).splitlines()[-1] == "done"


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_tree_there_and_back(clients: Clients, program: str, tree: Tree, tmp_path: Path) -> None:
    assert clients.program(program, "tree", tree.folder, tmp_path / "back").splitlines()[-1] == "done"
    assert digests(tmp_path / "back") == tree.digests
