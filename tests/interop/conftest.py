"""One node for the whole tier, started as its users start it, and the material that every client moves.

`INTEROP_CREDENTIALS=/path/to/credentials.env` runs the tier against a node (or another S3 store) that runs already.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.material import BigFile, make_big_file, make_tree
from tests.support.clients import VENV, Clients
from tests.support.node_process import RunningNode
from tests.support.s3_node import S3Node, s3_node

__all__ = ["s3_node"]

SOURCE_BUCKET = "interop-source"
SOURCE_KEY = "big file.bin"


@pytest.fixture(scope="session")
def node(s3_node: S3Node) -> RunningNode:
    """Six stores, so that the clients' bytes pass through real coding."""
    return s3_node.process


@pytest.fixture(scope="session")
def clients(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Clients:
    assert (VENV / "bin" / "python").exists(), f"{VENV} is missing: run `make test`, which makes it"
    home = tmp_path_factory.mktemp("home")
    given = os.environ.get("INTEROP_CREDENTIALS")
    if given:
        return Clients(Path(given).resolve(), home)
    running: RunningNode = request.getfixturevalue("node")
    return Clients(running.storage[0] / "credentials.env", home)


@pytest.fixture(scope="session")
def big_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BigFile]:
    made = make_big_file(tmp_path_factory.mktemp("big") / "big.bin")
    yield made
    made.path.unlink()


@pytest.fixture(scope="session")
def big_object(clients: Clients, big_file: BigFile) -> str:
    """The 1 GiB object that every client copies, uploaded once in parts: `bucket/key`."""
    clients.shell(
        f"aws s3 mb s3://{SOURCE_BUCKET}; aws s3 cp --no-progress '{big_file.path}' 's3://{SOURCE_BUCKET}/{SOURCE_KEY}'"
    )
    return f"{SOURCE_BUCKET}/{SOURCE_KEY}"


@dataclass(frozen=True, slots=True)
class Tree:
    folder: Path
    digests: dict[str, str]


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    folder = tmp_path_factory.mktemp("tree")
    return Tree(folder, make_tree(folder))
