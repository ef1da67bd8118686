"""A database that was restarted: reads do not notice, a write fails once at most, and what failed may be repeated."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from dataplane.errors import MetadataUnavailable
from dataplane.metadata.store import MetadataStore
from tests.support.metadata import assert_consistent, make_bucket, make_inline


async def cut_all_connections(regional_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(regional_url, autocommit=True) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def test_reads_go_on(store: MetadataStore, regional_url: str) -> None:
    bucket = make_bucket(regional_url)
    await asyncio.gather(*(store.put(bucket, make_inline(bucket, f"k{number}")) for number in range(20)))
    for _ in range(3):
        await cut_all_connections(regional_url)
        found = await asyncio.gather(*(store.lookup(bucket, f"k{number}") for number in range(20)))
        assert all(found)
        await cut_all_connections(regional_url)
        assert len((await store.list_objects(bucket)).objects) == 20


async def test_a_write_fails_once_and_the_next_goes_through(store: MetadataStore, regional_url: str) -> None:
    bucket = make_bucket(regional_url)
    await asyncio.gather(*(store.put(bucket, make_inline(bucket, f"k{number}")) for number in range(20)))
    await cut_all_connections(regional_url)
    with pytest.raises(MetadataUnavailable):
        await store.put(bucket, make_inline(bucket, "k0"))
    await asyncio.gather(*(store.put(bucket, make_inline(bucket, f"k{number}")) for number in range(20)))
    assert_consistent(regional_url)


async def test_nobody_there() -> None:
    store = MetadataStore("postgresql:///nothing?host=/nonexistent", wait_seconds=0.2)
    with pytest.raises(MetadataUnavailable):
        await store.open()
    await store.close()
