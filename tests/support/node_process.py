"""A whole node as its users start it: `manage.py anvil_serve` in a process of its own, on ports of its own.

For what must see the real thing from outside: benchmarks, real clients, conformance suites. Knows the command, its
options and `credentials.env`, nothing of the code behind them.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 120
STOP_SECONDS = 60
POLL_SECONDS = 0.05


class NodeFailed(Exception):
    """The node did not come up; the text is the end of its log."""


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@dataclass(frozen=True, slots=True)
class RunningNode:
    """Where a node answers and how to sign for it; `credentials` is what credentials.env says."""

    port: int
    admin_port: int
    pid: int
    storage: tuple[Path, ...]
    log: Path
    credentials: Mapping[str, str]
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def access_key(self) -> str:
        return self.credentials["AWS_ACCESS_KEY_ID"]

    @property
    def secret_key(self) -> str:
        return self.credentials["AWS_SECRET_ACCESS_KEY"]

    @property
    def region(self) -> str:
        return self.credentials["AWS_REGION"]

    def manage(self, *arguments: str) -> str:
        """Runs a management command against this node and returns what it printed."""
        finished = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            cwd=ROOT,
            env={**self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode:
            raise NodeFailed(f"{arguments} ended with {finished.returncode}: {finished.stderr[-2000:]}")
        return finished.stdout


def read_credentials(path: Path) -> dict[str, str]:
    """NAME=value lines as a shell would source them (`export` and quotes are dropped)."""
    found = {}
    for line in path.read_text().splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            found[name] = value.strip("'\"")
    return found


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NodeFailed(f"the node ended with {process.returncode}:\n{log.read_text()[-4000:]}")
        try:
            with urllib.request.urlopen(f"{url}/ready", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(POLL_SECONDS)
    raise NodeFailed(f"the node was not ready within {READY_SECONDS} s:\n{log.read_text()[-4000:]}")


@contextmanager
def running_node(
    directory: Path, *, stores: int = 1, workers: int = 2, options: Mapping[str, str] | None = None
) -> Iterator[RunningNode]:
    """Starts a node with its stores under `directory`, yields it when it is ready, stops it with SIGTERM.

    `options` are environment variables. What an earlier node left in `directory` is used again.
    """
    port, admin_port, cluster_port = free_ports(3)
    storage = tuple(directory / f"d{number}" for number in range(1, stores + 1))
    directory.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        "STORAGE_PATH": ",".join(map(str, storage)),
        "API_LISTEN_ADDR": f"127.0.0.1:{port}",
        "ADMIN_LISTEN_ADDR": f"127.0.0.1:{admin_port}",
        "CLUSTER_LISTEN_ADDR": f"/ip4/127.0.0.1/udp/{cluster_port}/quic-v1",
        "WORKERS": str(workers),
        **(options or {}),
    }
    log = directory / "node.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "anvil_serve"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}", process, log)
        credentials = read_credentials(storage[0] / "credentials.env")
        yield RunningNode(port, admin_port, process.pid, storage, log, credentials, environment)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
