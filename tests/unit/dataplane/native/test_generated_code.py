"""The compiled protocols are what `make proto` makes of the .proto files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
FOLDER = Path("dataplane/native/v1")
PROTOS = sorted(path.name for path in (ROOT / FOLDER).glob("*.proto"))
SUFFIXES = ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("compiled")
    outputs = [f"--{kind}_out={out}" for kind in ("python", "pyi", "grpc_python")]
    sources = [str(FOLDER / name) for name in PROTOS]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", "-I", ".", *outputs, *sources], cwd=ROOT, check=True)
    return out / FOLDER


@pytest.mark.parametrize("name", PROTOS)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_committed_code_is_current(compiled: Path, name: str, suffix: str) -> None:
    generated = name.removesuffix(".proto") + suffix
    assert (ROOT / FOLDER / generated).read_text() == (compiled / generated).read_text(), "run `make proto`"


@pytest.mark.parametrize("name", PROTOS)
def test_the_protocol_is_of_our_package_and_says_what_it_does(name: str) -> None:
    text = (ROOT / FOLDER / name).read_text()
    assert "package anvil.v1;" in text
    for match in re.finditer(r"^\s*(rpc|service) ", text, re.MULTILINE):
        before = text[: match.start()].rstrip().splitlines()[-1]
        assert before.lstrip().startswith("//"), f"{name}: a comment is missing before {match[0].strip()!r}"
