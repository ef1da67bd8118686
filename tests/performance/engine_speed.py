"""How fast the engine is by itself, without HTTP: shards on six directories, metadata in memory, MD5 as for S3.

    python -m tests.performance.engine_speed [directory [processes]]

Numbers are MB/s of user data (10^6) and CPU milliseconds of the process per MB; with several processes their sum.
The directory is filled and left behind: on ext4 without a journal, deleting first would slow the next run.
"""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

MIB = 1 << 20
PIECE_BYTES = 256 << 10
CASES = [
    # (name, MiB, clients, objects)
    ("1 MiB x1", 1, 1, 150),
    ("1 MiB x16", 1, 16, 600),
    ("64 MiB x1", 64, 1, 6),
    ("64 MiB x4", 64, 4, 12),
]


def tune_malloc() -> None:
    libc = ctypes.CDLL(None)
    for option, value in ((-3, 32 << 20), (-1, 256 << 20), (-2, 64 << 20)):
        libc.mallopt(option, value)


async def measure(root: Path, number: int) -> list[tuple[str, float, float]]:
    from dataplane.contracts import ObjectAttributes
    from dataplane.objects.settings import ObjectSettings
    from dataplane.transport.local import LocalLimits
    from tests.support.engine import MemoryBody, make_stores, running_engine
    from tests.support.memory_metadata import MemoryMetadata

    metadata = MemoryMetadata()
    bucket, plain = metadata.bucket(), ObjectAttributes()
    stores = make_stores(root / str(number), 6, limits=LocalLimits())
    results = []
    async with running_engine(root, metadata, stores=stores, settings=ObjectSettings()) as engine:
        for name, mebibytes, clients, count in CASES:
            data = os.urandom(MIB) * mebibytes

            async def put(key: str, data: bytes = data) -> None:
                await engine.objects.put(bucket, key, MemoryBody(data, piece_bytes=PIECE_BYTES), plain)

            async def get(key: str) -> None:
                version = await engine.objects.open(bucket, key)
                received = 0
                async for piece in engine.objects.read(version, 0, version.size):
                    received += len(piece)
                assert received == version.size

            keys = [f"{name}-{i}" for i in range(count)]
            for what, action in (("PUT", put), ("GET", get)):
                results.append((f"{what} {name}", *await timed(action, keys, clients, mebibytes)))
    return results


async def timed(
    action: Callable[[str], Awaitable[None]], keys: list[str], clients: int, mebibytes: int
) -> tuple[float, float]:
    queue = list(reversed(keys))

    async def client() -> None:
        while queue:
            await action(queue.pop())

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client() for _ in range(clients)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    megabytes = len(keys) * mebibytes * MIB / 1e6
    return megabytes / wall, cpu * 1e3 / megabytes


def in_process(root: Path, number: int) -> list[tuple[str, float, float]]:
    tune_malloc()
    return uvloop.run(measure(root, number))


def main() -> None:
    root = Path(tempfile.mkdtemp(prefix="engine-speed-", dir=sys.argv[1] if len(sys.argv) > 1 else None))
    processes = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        columns = pool.starmap(in_process, [(root, number) for number in range(processes)])
    for row in zip(*columns, strict=True):
        rate, cpu = sum(each[1] for each in row), sum(each[2] for each in row) / len(row)
        print(f"{row[0][0]:16} {rate:8.0f} MB/s {cpu:8.2f} ms/MB")
    print(f"left behind: {root}")


if __name__ == "__main__":
    main()
