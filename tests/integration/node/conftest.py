"""Nodes as real processes, each in a directory and on ports of its own, all ended at the end of the test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.support.node_process import ROOT, read_credentials

START_SECONDS = 90.0

# Compiled modules, kept for all nodes of the test process: as installed, whatever the environment says.
_BYTECODE = tempfile.TemporaryDirectory(prefix="anvil-bytecode-")


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 30.0) -> Any:
    """Polls until the condition holds; answers what it answered."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.02)
    return value


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except OSError:
        return False


class Node:
    """One supervisor and what it started."""

    def __init__(self, storage: Path, environ: Mapping[str, str] | None = None, *flags: str) -> None:
        self.storage = storage
        self.log = storage.with_suffix(".log")
        storage.parent.mkdir(parents=True, exist_ok=True)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANVIL_"))}
        clean.pop("PYTHONDONTWRITEBYTECODE", None)
        self.environ = {
            **clean,
            "PYTHONPYCACHEPREFIX": _BYTECODE.name,
            "STORAGE_PATH": str(storage),
            "API_LISTEN_ADDR": "127.0.0.1:0",
            "ADMIN_LISTEN_ADDR": "127.0.0.1:0",
            "WORKERS": "2",
            **(environ or {}),
        }
        self.started_at = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "anvil_serve", *flags],
                cwd="/",
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_ready(self) -> float:
        """Seconds from the start until /ready said so."""

        def ready() -> bool:
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.log_text()}"
            try:
                return self.description["pid"] == self.process.pid and self.get("/ready")[0] == 200
            except (OSError, ValueError):
                return False

        wait_until(ready, "the node is ready", START_SECONDS)
        return time.monotonic() - self.started_at

    @property
    def description(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.storage / "run" / "node.json").read_bytes())
        return document

    @property
    def credentials(self) -> dict[str, str]:
        return read_credentials(self.storage / "credentials.env")

    def log_text(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]

    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def get(self, path: str, *, url: str = "", timeout: float = 10.0) -> tuple[int, bytes]:
        request = urllib.request.Request((url or self.description["api_url"]) + path)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def s3(self) -> Any:
        given = self.credentials
        return boto3.client(
            "s3",
            endpoint_url=self.description["api_url"],
            aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
            region_name=given["AWS_REGION"],
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=30),
        )

    def children(self) -> dict[str, int]:
        """Pids by name; the database server's backends are not children of ours."""
        pid = self.process.pid
        pids = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return {Path(f"/proc/{child}/comm").read_text().strip(): child for child in pids if is_alive(child)}

    def descendants(self) -> list[int]:
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
            found += children
            todo += children
        return found

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environ,
            cwd="/",
            capture_output=True,
            text=True,
            check=check,
            timeout=60,
        )

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


StartNode = Callable[..., Node]


@pytest.fixture
def start_node(tmp_path: Path) -> Iterator[StartNode]:
    """`start_node(name="a", environ={...}, flags=())`; not ready yet when it returns."""
    nodes: list[Node] = []

    def start(name: str = "a", environ: Mapping[str, str] | None = None, flags: tuple[str, ...] = ()) -> Node:
        node = Node(tmp_path / name, environ, *flags)
        nodes.append(node)
        return node

    yield start
    for node in nodes:
        node.kill()
