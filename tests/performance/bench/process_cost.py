"""What a server costs: CPU time and memory of a process and everything below it, read from /proc.

Knows Linux, not what the processes are. CPU time has the kernel's tick (10 ms) as its grain.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
LISTENING = "0A"
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds since the processes began, and their memory now.

    `rss_mib` counts shared pages (PostgreSQL's buffers) once per process; `pss_mib` shares them out.
    """

    cpu_seconds: float
    rss_mib: float
    pss_mib: float


def _statistics() -> dict[int, list[str]]:
    """Fields of /proc/PID/stat after the name, by pid."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                text = Path(f"/proc/{entry}/stat").read_text()
            except OSError:  # gone since the listing
                continue
            found[int(entry)] = text.rpartition(")")[2].split()
    return found


def _family(roots: set[int], statistics: dict[int, list[str]]) -> set[int]:
    family = roots & statistics.keys()
    grew = True
    while grew:
        children = {pid for pid, fields in statistics.items() if int(fields[1]) in family}
        grew = not children <= family
        family |= children
    return family


def _pss_bytes(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    match = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def measure(roots: set[int], *, memory: bool = False) -> Cost:
    """Sums over `roots` and their descendants; exited and awaited children count in their parent's CPU time."""
    statistics = _statistics()
    family = _family(roots, statistics)
    ticks = sum(int(field) for pid in family for field in statistics[pid][11:15])
    rss = sum(int(statistics[pid][21]) for pid in family) * PAGE_BYTES
    pss = sum(_pss_bytes(pid) for pid in family) if memory else 0
    return Cost(ticks / TICKS_PER_SECOND, rss / MIB, pss / MIB)


def listeners(port: int) -> set[int]:
    """The processes that hold a listening TCP socket on this port."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    return {int(entry) for entry in os.listdir("/proc") if entry.isdigit() and inodes & _open_files(entry)}


def _open_files(pid: str) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):  # gone, or another user's
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):  # closed since the listing
                found.add(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
    return found
