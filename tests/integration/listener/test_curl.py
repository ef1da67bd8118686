"""curl, over HTTP/1.1 and over h2c with prior knowledge."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.listener import Running, listening, pattern

CURL = shutil.which("curl")
pytestmark = pytest.mark.skipif(CURL is None, reason="curl is not installed")


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with listening() as running:
        yield running


@pytest.fixture(params=["--http1.1", "--http2-prior-knowledge"])
def curl(request: pytest.FixtureRequest) -> list[str]:
    assert CURL
    return [CURL, "--silent", "--show-error", "--max-time", "60", request.param]


def _run(command: list[str]) -> bytes:
    return subprocess.run(command, capture_output=True, check=True).stdout


@pytest.mark.parametrize("size", [0, 1, 10_000_000])
def test_download(server: Running, curl: list[str], size: int) -> None:
    assert _run([*curl, f"{server.url}/bytes/{size}"]) == pattern(size)


@pytest.mark.parametrize("size", [1, 10_000_000])
def test_upload(server: Running, curl: list[str], size: int, tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_bytes(pattern(size))
    assert _run([*curl, "--upload-file", str(body), f"{server.url}/echo"]) == pattern(size)


@pytest.mark.parametrize("size", [1000, 1_000_000])
def test_a_refused_upload_shows_its_answer(server: Running, curl: list[str], size: int, tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_bytes(bytes(size))
    command = [*curl, "--upload-file", str(body), "--write-out", "%{http_code}", f"{server.url}/refuse"]
    assert _run(command) == b"no403"


def test_head(server: Running, curl: list[str]) -> None:
    assert b"content-length: 1000" in _run([*curl, "--head", f"{server.url}/bytes/1000"])


def test_an_upgrade_to_h2c_is_ignored(server: Running, tmp_path: Path) -> None:
    assert CURL
    body = tmp_path / "body"
    body.write_bytes(pattern(100_000))
    echo, fetch = f"{server.url}/echo", f"{server.url}/bytes/3"
    command = [CURL, "-sS", "--http2", "--upload-file", str(body), echo, "--next", "-sS", "--http2", fetch]
    assert _run(command) == pattern(100_000) + pattern(3)
