"""How fast the regional metadata is by itself: two processes of eight clients each, as two workers would be.

    REGIONAL_DATABASE_URL=postgresql://... python -m tests.performance.metadata_speed [seconds]

The database must be migrated; it is filled with a million keys to list on the first run. Operations a second.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import multiprocessing
import os
import statistics
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import django
import psycopg
import uvloop

if TYPE_CHECKING:  # Django must be set up before the real import
    from dataplane.contracts import BucketRecord, NewVersion
    from dataplane.metadata.store import MetadataStore

PROCESSES = 2
CLIENTS = 8
KEYS = 1000
LIST_BUCKET, HOT_BUCKET, VERSIONED_BUCKET = 9001, 9002, 9003
DSN = os.environ["REGIONAL_DATABASE_URL"]


def main() -> None:
    django.setup()
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
    fill()
    for name in ("put_1k", "put_again_1k", "get_1k", "put_64k", "get_64k", "put_blob", "put_versioned", "delete"):
        rates = [measure(name, seconds) for _ in range(3)]
        print(f"{name:14} {statistics.median(rates):9.0f}/s   of {[round(rate) for rate in rates]}", flush=True)
    uvloop.run(listings())


def fill() -> None:
    with psycopg.connect(DSN, autocommit=True) as connection:
        for bucket_id, versioning in ((LIST_BUCKET, 0), (HOT_BUCKET, 0), (VERSIONED_BUCKET, 1)):
            connection.execute(
                "INSERT INTO bucket_state (bucket_id, versioning) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [bucket_id, versioning],
            )
        row = connection.execute(
            "SELECT FROM object_version WHERE bucket_id = %s AND is_current LIMIT 1", [LIST_BUCKET]
        ).fetchone()
        if row is not None:
            return
        print("filling in 1,000,000 keys of 1 KiB ...", flush=True)
        connection.execute(
            """
            INSERT INTO object_version (bucket_id, key, size, etag, content_type, owner, change, body)
            SELECT %s, prefix || '/' || md5(n::text) || '/' || n, 1024, md5(n::text), 'application/octet-stream',
                'default', 0, decode(repeat(md5(n::text), 32), 'hex')
            FROM generate_series(1, 1000000) n,
                LATERAL (SELECT (ARRAY['alpha', 'beta', 'gamma'])[1 + n %% 3]) p (prefix)
            """,
            [LIST_BUCKET],
        )
        connection.execute("ANALYZE object_version")


def measure(name: str, seconds: float) -> float:
    results: multiprocessing.Queue[float] = multiprocessing.Queue()
    processes = [
        multiprocessing.Process(target=_run, args=(name, seconds, number, results)) for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    total = sum(results.get() for _ in processes)
    for process in processes:
        process.join()
    return total


def _run(name: str, seconds: float, number: int, results: multiprocessing.Queue[float]) -> None:
    results.put(uvloop.run(_operations(name, seconds, f"{number}-{time.time_ns()}")))


async def _operations(name: str, seconds: float, run: str) -> float:
    from dataplane.metadata.store import MetadataStore

    store = MetadataStore(DSN)
    await store.open()
    try:
        work = Workload(store, run, 65536 if name.endswith("64k") else 1024)
        if name.startswith("get") or name == "delete":
            await asyncio.gather(*(work.put(number) for number in range(KEYS)))
        operation: Callable[[int], Awaitable[None]] = getattr(work, name.removesuffix("_1k").removesuffix("_64k"))
        numbers = itertools.count()
        stop = time.monotonic() + seconds

        async def client() -> int:
            done = 0
            while time.monotonic() < stop:
                await operation(next(numbers))
                done += 1
            return done

        start = time.monotonic()
        done = sum(await asyncio.gather(*(client() for _ in range(CLIENTS))))
        return done / (time.monotonic() - start)
    finally:
        await store.close()


class Workload:
    """One operation a method; the number picks the key."""

    def __init__(self, store: MetadataStore, run: str, size: int) -> None:
        from dataplane.contracts import (
            BucketRecord,
            Checksum,
            ChecksumAlgorithm,
            Encryption,
            InlineBody,
            ObjectAttributes,
            ObjectHeaders,
        )

        self.store, self.run, self.size = store, run, size
        self.seal = Encryption("key-1", os.urandom(60))
        self.inline = InlineBody(os.urandom(size + 16), self.seal)
        self.attributes = ObjectAttributes(ObjectHeaders("application/octet-stream"), owner="default")
        self.checksum = Checksum(ChecksumAlgorithm.CRC32, "AAAAAA==")
        self.etag = hashlib.md5(self.inline.data).hexdigest()
        self.hot, self.versioned = (
            BucketRecord(bucket_id, "speed", 1, "default", "local", datetime.now(UTC))
            for bucket_id in (HOT_BUCKET, VERSIONED_BUCKET)
        )

    def key(self, number: int) -> str:
        return f"{self.run}/{number:09d}/object"

    def new(self, bucket: BucketRecord, number: int) -> NewVersion:
        from dataplane.contracts import NewVersion

        return NewVersion(
            bucket.id, self.key(number), self.size, self.etag, self.attributes, self.checksum, self.inline
        )

    async def put(self, number: int) -> None:
        await self.store.put(self.hot, self.new(self.hot, number))

    async def put_again(self, number: int) -> None:
        await self.put(number % KEYS)

    async def put_versioned(self, number: int) -> None:
        await self.store.put(self.versioned, self.new(self.versioned, number % KEYS))

    async def put_blob(self, number: int) -> None:
        from dataplane.contracts import BlobRecord, Profile

        blob = BlobRecord(uuid.uuid4(), 1 << 20, Profile(4, 2), 1 << 20, (1, 2, 3, 4, 5, 6), self.seal, os.urandom(32))
        new = replace(self.new(self.hot, number % KEYS), size=blob.size, inline=None, blob=blob)
        await self.store.put(self.hot, new)

    async def get(self, number: int) -> None:
        found = await self.store.lookup(self.hot, self.key(number % KEYS))
        assert found is not None and found.inline is not None

    async def delete(self, number: int) -> None:
        from dataplane.contracts import DeleteItem

        await self.store.delete(self.hot, [DeleteItem(self.key(number))])


async def listings() -> None:
    from dataplane.contracts import BucketRecord
    from dataplane.metadata.store import MetadataStore

    bucket = BucketRecord(LIST_BUCKET, "speed", 1, "default", "local", datetime.now(UTC))
    store = MetadataStore(DSN)
    await store.open()
    shapes: dict[str, dict[str, str]] = {
        "1,000 keys": {"after": "beta/7"},
        "delimiter over 3 prefixes": {"delimiter": "/"},
        "1,000 prefixes": {"prefix": "beta/", "delimiter": "/"},
        "1,000 keys with a delimiter": {"delimiter": "#", "after": "beta/3"},
    }
    for name, shape in shapes.items():
        times = []
        for _ in range(20):
            start = time.perf_counter()
            page = await store.list_objects(bucket, **shape)
            times.append((time.perf_counter() - start) * 1000)
        entries = len(page.objects) + len(page.prefixes)
        print(f"list {name}: {entries} entries, median {statistics.median(times):.1f} ms, worst {max(times):.1f} ms")
    start = time.perf_counter()
    versions = await store.list_versions(bucket, after_key="beta/7")
    print(f"list 1,000 versions: {len(versions.versions)} in {(time.perf_counter() - start) * 1000:.1f} ms")
    start = time.perf_counter()
    versions = await store.list_versions(bucket, delimiter="#", after_key="beta/7")
    print(f"the same with a delimiter: {len(versions.versions)} in {(time.perf_counter() - start) * 1000:.1f} ms")
    await store.close()


if __name__ == "__main__":
    main()
