"""What the steward does on the real queue: shards go after their object, not before their grace."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg

from dataplane.contracts import BucketRecord, DeleteItem, ObjectAttributes
from dataplane.jobs.steward_jobs import steward_periodic, steward_tasks
from dataplane.metadata.store import MetadataStore
from dataplane.metadata.task_rows import TaskRows
from dataplane.tasks.worker import run_tasks
from tests.support.engine import Engine, MemoryBody, running_engine
from tests.support.metadata import make_bucket, rows
from tests.support.postgres import Databases

PLAIN = ObjectAttributes()
DATA = random.Random(1).randbytes(200_000)


@asynccontextmanager
async def engine_and_bucket(
    databases: Databases, root: Path
) -> AsyncIterator[tuple[Engine, MetadataStore, BucketRecord]]:
    bucket = make_bucket(databases.regional_url)
    metadata = MetadataStore(databases.regional_url, pool_size=4)
    await metadata.open()
    try:
        async with running_engine(root, metadata) as engine:
            yield engine, metadata, bucket
    finally:
        await metadata.close()


@asynccontextmanager
async def steward(engine: Engine, metadata: MetadataStore, *, grace_seconds: float) -> AsyncIterator[None]:
    stop = asyncio.Event()
    transport = engine.stores.transport
    working = asyncio.create_task(
        run_tasks(
            TaskRows(metadata.pool, "steward"),
            steward_tasks(metadata, transport, delete_grace_seconds=grace_seconds),
            steward_periodic(metadata, transport, engine.stores.paths),
            stop,
        )
    )
    try:
        yield
    finally:
        stop.set()
        await working


def execute(url: str, query: str, parameters: list[str]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(query, parameters)


async def until_shards(engine: Engine, count: int) -> None:
    async with asyncio.timeout(30):
        while len(engine.stores.shard_files()) != count:  # noqa: ASYNC110 - files are looked at
            await asyncio.sleep(0.02)


async def test_replaced_and_deleted_objects_give_their_space_back(databases: Databases, tmp_path: Path) -> None:
    async with engine_and_bucket(databases, tmp_path) as (engine, metadata, bucket):
        for number in range(20):
            await engine.objects.put(bucket, f"key-{number % 5}", MemoryBody(DATA + bytes([number])), PLAIN)
        assert len(engine.stores.shard_files()) == 20 * 6
        async with steward(engine, metadata, grace_seconds=0.0):
            await until_shards(engine, 5 * 6)
            for number in range(5):
                version = await engine.objects.open(bucket, f"key-{number}")
                assert await engine.read_all(version) == DATA + bytes([15 + number])
            await engine.objects.delete(bucket, [DeleteItem(f"key-{number}") for number in range(5)])
            await until_shards(engine, 0)
        assert rows(databases.regional_url, "SELECT (SELECT count(*) FROM blob), count(*) FROM task") == [(0, 0)]


async def test_a_read_that_began_before_the_delete_goes_on(databases: Databases, tmp_path: Path) -> None:
    async with engine_and_bucket(databases, tmp_path) as (engine, metadata, bucket):
        for key in ("old", "young"):
            await engine.objects.put(bucket, key, MemoryBody(DATA), PLAIN)
        old, young = [await engine.objects.open(bucket, key) for key in ("old", "young")]
        assert old.blob is not None
        await engine.objects.delete(bucket, [DeleteItem("old"), DeleteItem("young")])
        execute(
            databases.regional_url,
            "UPDATE task SET due = due - interval '2 hours' WHERE payload ->> 'blob_id' = %s",
            [str(old.blob.id)],
        )
        async with steward(engine, metadata, grace_seconds=3600.0):
            await until_shards(engine, 6)
            assert await engine.read_all(young) == DATA
        assert rows(databases.regional_url, "SELECT attempts FROM task") == [(0,)]


async def test_a_store_that_was_away_gets_its_deletions_later(databases: Databases, tmp_path: Path) -> None:
    async with engine_and_bucket(databases, tmp_path) as (engine, metadata, bucket):
        await engine.objects.put(bucket, "key", MemoryBody(DATA), PLAIN)
        away = engine.stores.paths[0]
        away.rename(tmp_path / "away")
        async with steward(engine, metadata, grace_seconds=0.0):
            await engine.objects.delete(bucket, [DeleteItem("key")])
            async with asyncio.timeout(30):
                while not rows(databases.regional_url, "SELECT 1 FROM task WHERE last_error LIKE '%1 of 6%'"):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            assert rows(databases.regional_url, "SELECT count(*) FROM blob") == [(1,)]
            (tmp_path / "away").rename(away)
            await until_shards(engine, 0)
