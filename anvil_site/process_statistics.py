"""What Linux knows of the node's processes: memory and CPU time of the supervisor and its children, from /proc.

Must not know metrics or who asks.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class ProcessStatistics:
    """One process, or the database server with all its backends (memory they share is counted once)."""

    name: str
    resident_bytes: int
    cpu_seconds: float


def node_processes(supervisor_pid: int) -> Iterator[ProcessStatistics]:
    """The supervisor, its workers and steward by their names, and `postgres` where the node runs one."""
    own = _read(supervisor_pid)
    if own is not None:
        yield ProcessStatistics("supervisor", own.resident_bytes, own.cpu_seconds)
    for pid in _children(supervisor_pid):
        process = _read(pid)
        if process is None:
            continue
        if process.name != "postgres":
            yield ProcessStatistics(process.name, process.resident_bytes, process.cpu_seconds)
            continue
        family = [process, *(member for child in _children(pid) if (member := _read(child)) is not None)]
        yield ProcessStatistics(
            "postgres",
            max(member.shared_bytes for member in family)
            + sum(member.resident_bytes - member.shared_bytes for member in family),
            sum(member.cpu_seconds for member in family),
        )


def age_seconds(pid: int) -> float:
    """How long the process has been running; 0 where it is gone."""
    try:
        fields = _stat_fields(pid)
    except OSError:
        return 0.0
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / _TICKS_PER_SECOND)


@dataclass(frozen=True, slots=True)
class _Process:
    name: str
    resident_bytes: int
    shared_bytes: int
    cpu_seconds: float


def _read(pid: int) -> _Process | None:
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
        fields = _stat_fields(pid)
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (OSError, ValueError):
        return None
    return _Process(
        name,
        int(resident) * _PAGE_BYTES,
        int(shared) * _PAGE_BYTES,
        (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND,
    )


def _stat_fields(pid: int) -> list[str]:
    """Fields of /proc/PID/stat after the name, which may hold spaces: index 0 is field 3, the state."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
