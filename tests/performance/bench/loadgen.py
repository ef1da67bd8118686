"""Compiles `loadgen.c` once per version of its text, writes scripts for it and runs it.

Knows the driver's file format and its output, not what is measured.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.performance.bench.target import Target

SOURCE = Path(__file__).with_name("loadgen.c")
RECORD = struct.Struct("=IIQq")
"""Head bytes, reply has no body, body bytes, reply bytes (-1: any)."""
ANY_SIZE = -1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of the driver saw."""

    requests: int
    errors: int
    bytes: int
    seconds: float
    p50_ms: float
    p99_ms: float
    client_cpu_seconds: float
    reconnects: int
    last_bad_status: int
    excerpt: str

    @property
    def requests_per_second(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0

    @property
    def megabytes_per_second(self) -> float:
        return self.bytes / self.seconds / 1e6 if self.seconds else 0.0


def binary(folder: Path) -> Path:
    """The compiled driver in `folder`; needs a C compiler (CC, default cc)."""
    version = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    built = folder / f"loadgen-{version}"
    if not built.exists():
        folder.mkdir(parents=True, exist_ok=True)
        fresh = built.with_suffix(f".{os.getpid()}")
        compiler = os.environ.get("CC", "cc")
        subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-o", fresh, SOURCE], check=True)
        fresh.rename(built)
    return built


@dataclass(frozen=True, slots=True)
class Request:
    """One request head, signed, and what belongs to it."""

    head: bytes
    body_bytes: int = 0
    reply_bytes: int = ANY_SIZE
    no_reply_body: bool = False


class Driver:
    """Runs the compiled driver with scripts written to `folder` (a tmpfs is best)."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._script = folder / "script"
        self._empty = folder / "empty"
        self._empty.touch()

    def run(
        self,
        target: Target,
        requests: Iterable[Request],
        *,
        clients: int,
        seconds: float,
        most: int,
        wrap: bool,
        body: Path | None = None,
    ) -> Outcome:
        with self._script.open("wb") as script:
            for request in requests:
                script.write(
                    RECORD.pack(len(request.head), request.no_reply_body, request.body_bytes, request.reply_bytes)
                )
                script.write(request.head)
        command = [self._program, target.address, target.port, clients, seconds, most, int(wrap), self._script]
        finished = subprocess.run(
            [*map(str, command), str(body or self._empty)], capture_output=True, text=True, check=False
        )
        if finished.returncode:
            return Outcome(0, 1, 0, 0.0, 0.0, 0.0, 0.0, 0, 0, finished.stderr.strip())
        return Outcome(**json.loads(finished.stdout))
