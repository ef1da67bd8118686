"""What every child process of a node does first: its name, its allocator, its death with the supervisor.

Called before anything large is imported.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_NAME = 15
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_THRESHOLD = -3
_MIB = 1 << 20


def parse_arguments(argv: Sequence[str], *, roles: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A child of a node's supervisor.", allow_abbrev=False)
    parser.add_argument("role", choices=roles)
    parser.add_argument("--name", required=True, help="the process's name in logs and metrics")
    parser.add_argument("--ready-fd", type=int, required=True, help="where `ready` is written once it serves")
    parser.add_argument("--api-fd", type=int, help="the inherited socket of S3 and gRPC")
    parser.add_argument("--admin-fd", type=int, help="the inherited socket of the console")
    parser.add_argument("--load-fd", type=int, help="the inherited table of how many connections each worker holds")
    parser.add_argument("--slot", type=int, help="this worker's place in that table, from 0")
    return parser.parse_args(argv)


def prepare_process(name: str) -> None:
    # Until the role listens to it: a reload must not end a process that is just starting with fresh options.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        libc.prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)
    _keep_freed_memory(libc)


def _keep_freed_memory(libc: ctypes.CDLL) -> None:
    """Large buffers come back from the allocator's own memory, not page by page from the kernel.

    Measured: coding 1 MiB costs a twentieth. The price is memory that stays near its high-water mark. glibc only.
    """
    mallopt = getattr(libc, "mallopt", None)
    if mallopt is None:
        return
    mallopt(_M_MMAP_THRESHOLD, 32 * _MIB)
    mallopt(_M_TRIM_THRESHOLD, 256 * _MIB)
    mallopt(_M_TOP_PAD, 64 * _MIB)


def settle_garbage() -> None:
    """What was built at start stays: the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def say_ready(descriptor: int) -> None:
    os.write(descriptor, b"ready\n")
    os.close(descriptor)
