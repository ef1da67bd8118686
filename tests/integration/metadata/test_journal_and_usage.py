"""The journal's partitions come and go by the day; the usage of buckets follows the journal and skips nobody."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from dataplane.contracts import DeleteItem, Versioning
from dataplane.metadata.journal import DAYS_AHEAD, Journal
from dataplane.metadata.store import MetadataStore
from dataplane.metadata.usage_rows import BucketUsage, UsageRows
from tests.support.metadata import make_bucket, make_inline, make_sharded, rows


def partitions(regional_url: str) -> set[str]:
    return {
        name
        for (name,) in rows(
            regional_url, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'journal'::regclass"
        )
    }


def insert_event(regional_url: str, created: datetime) -> None:
    with psycopg.connect(regional_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO journal (id, created, bucket_id, size, bytes_delta, versions_delta, kind, key, version_id,"
            " etag) VALUES (nextval('journal_id_seq'), %s, 1, 0, 0, 0, 1, 'k', '', '')",
            [created],
        )


async def test_partitions_are_made_ahead_and_dropped_past_retention(
    store: MetadataStore, other_store: MetadataStore, regional_url: str
) -> None:
    today = datetime.now(UTC).date()
    journal = Journal(store.pool, retention=timedelta(days=7))
    with psycopg.connect(regional_url, autocommit=True) as connection:
        for name in sorted(partitions(regional_url))[1:-1]:
            connection.execute(f"DROP TABLE {name}")
        for days in (7, 8):
            day = today - timedelta(days=days)
            connection.execute(
                f"CREATE TABLE journal_{day:%Y%m%d} PARTITION OF journal FOR VALUES FROM ('{day} 00:00+00') "
                f"TO ('{day + timedelta(days=1)} 00:00+00')"
            )
    await asyncio.gather(journal.maintain(), Journal(other_store.pool).maintain())
    await journal.maintain()
    assert {f"journal_{today + timedelta(days=ahead):%Y%m%d}" for ahead in range(1, DAYS_AHEAD + 1)} <= partitions(
        regional_url
    )
    assert f"journal_{today - timedelta(days=7):%Y%m%d}" in partitions(regional_url)
    assert f"journal_{today - timedelta(days=8):%Y%m%d}" not in partitions(regional_url)
    bucket = make_bucket(regional_url)
    await store.put(bucket, make_inline(bucket, "k"))
    assert rows(regional_url, "SELECT count(*) FROM journal WHERE bucket_id = %s", [bucket.id]) == [(1,)]


async def test_rows_in_the_way_stay_in_the_rest(store: MetadataStore, regional_url: str) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with psycopg.connect(regional_url, autocommit=True) as connection:
        connection.execute(f"DROP TABLE IF EXISTS journal_{tomorrow:%Y%m%d}")
    insert_event(regional_url, tomorrow)
    insert_event(regional_url, tomorrow - timedelta(days=100))
    await Journal(store.pool).maintain()
    assert f"journal_{tomorrow:%Y%m%d}" not in partitions(regional_url)
    assert rows(regional_url, "SELECT created FROM journal_rest WHERE bucket_id = 1") == [(tomorrow,)]


async def test_usage_follows_the_journal(store: MetadataStore, regional_url: str) -> None:
    usage = UsageRows(store.pool)
    plain, versioned = make_bucket(regional_url), make_bucket(regional_url, Versioning.ENABLED)
    for bucket in (plain, versioned):
        await store.put(bucket, make_inline(bucket, "k", b"12345"))
        await store.put(bucket, make_inline(bucket, "k", b"123"))
        await store.put(bucket, make_sharded(bucket, "big"))
        await store.delete(bucket, [DeleteItem("big")])
    assert await usage.roll_up() >= 8
    assert await usage.roll_up() == 0
    assert await usage.of([plain.id, versioned.id, -1]) == {
        plain.id: BucketUsage(plain.id, 1, 3),
        versioned.id: BucketUsage(versioned.id, 4, 8 + (1 << 20)),
    }


async def test_a_late_commit_is_not_passed_over(store: MetadataStore, regional_url: str) -> None:
    """A transaction that began first and commits last: the roll-up waits below it and takes it in afterwards."""
    usage = UsageRows(store.pool)
    bucket = make_bucket(regional_url)
    await usage.catch_up()
    with psycopg.connect(regional_url) as slow:
        slow.execute(
            "INSERT INTO journal (id, bucket_id, size, bytes_delta, versions_delta, kind, key, version_id, etag)"
            " VALUES (nextval('journal_id_seq'), %s, 7, 7, 1, 1, 'slow', '', '')",
            [bucket.id],
        )
        await store.put(bucket, make_inline(bucket, "fast", b"12345"))
        assert await usage.roll_up() == 0
        slow.commit()
    assert await usage.roll_up() == 2
    assert (await usage.of([bucket.id]))[bucket.id] == BucketUsage(bucket.id, 2, 12)


@pytest.mark.parametrize("limit", [1, 3])
async def test_two_roll_ups_at_once_count_once(
    store: MetadataStore, other_store: MetadataStore, regional_url: str, limit: int
) -> None:
    bucket = make_bucket(regional_url)
    await asyncio.gather(*(store.put(bucket, make_inline(bucket, f"k{number}", b"1")) for number in range(20)))
    both = (UsageRows(store.pool), UsageRows(other_store.pool))
    await asyncio.gather(*(each.catch_up(limit=limit) for each in both))
    assert (await both[0].of([bucket.id]))[bucket.id] == BucketUsage(bucket.id, 20, 20)
