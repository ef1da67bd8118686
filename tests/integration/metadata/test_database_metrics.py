"""What the metadata database is asked, and over how many connections, is measured by kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY

from dataplane.contracts import DeleteItem, Versioning, WriteConditions
from dataplane.errors import MetadataUnavailable
from dataplane.metadata.store import MetadataStore
from tests.support.metadata import make_bucket, make_inline

KINDS = ("lookup", "put", "delete", "list", "other")


def observed() -> dict[str, float]:
    """How many statements of each kind were timed."""
    return {
        kind: REGISTRY.get_sample_value("anvil_database_query_seconds_count", {"statement": kind}) or 0.0
        for kind in KINDS
    }


def seconds_of(kind: str) -> float:
    return REGISTRY.get_sample_value("anvil_database_query_seconds_sum", {"statement": kind}) or 0.0


def connections(state: str) -> float:
    return REGISTRY.get_sample_value("anvil_database_connections", {"state": state}) or 0.0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


async def test_each_kind_of_statement_is_timed_once(store: MetadataStore, regional_url: str) -> None:
    bucket = make_bucket(regional_url)
    await store.put(bucket, make_inline(bucket, "k"))
    for kind, act in {
        "put": lambda: store.put(bucket, make_inline(bucket, "k")),
        "lookup": lambda: store.lookup(bucket, "k"),
        "list": lambda: store.list_objects(bucket),
        "delete": lambda: store.delete(bucket, [DeleteItem("k")]),
        "other": lambda: store.bucket_state(bucket.id),
    }.items():
        before, seconds = observed(), seconds_of(kind)
        await act()
        assert {name: after - before[name] for name, after in observed().items() if after != before[name]} == {kind: 1}
        assert 0 < seconds_of(kind) - seconds < 10


async def test_writes_with_a_transaction_of_their_own_are_of_their_kind(
    store: MetadataStore, regional_url: str
) -> None:
    bucket = make_bucket(regional_url, versioning=Versioning.ENABLED)
    await store.put(bucket, make_inline(bucket, "learned"))
    before = observed()
    await store.put(bucket, make_inline(bucket, "batch"))
    await store.put(bucket, make_inline(bucket, "alone"), WriteConditions(if_none_match=True))
    await store.delete(bucket, [DeleteItem("alone")])
    assert {kind: after - before[kind] for kind, after in observed().items()} == {
        "lookup": 0,
        "put": 2,
        "delete": 1,
        "list": 0,
        "other": 0,
    }


async def test_a_statement_that_fails_is_timed_too(store: MetadataStore) -> None:
    before = observed()["other"]
    with pytest.raises(MetadataUnavailable):
        await store.pool.fetch(b"SELECT pg_terminate_backend(pg_backend_pid())", {})
    assert observed()["other"] == before + 1


async def test_use_of_the_connections_is_sampled(store: MetadataStore) -> None:
    await until(lambda: connections("idle") > 0)
    async with store.pool.connection():
        await until(lambda: connections("in_use") == 1)
        limit = REGISTRY.get_sample_value("anvil_database_connections_limit")
        assert limit is not None
        assert limit >= connections("in_use") + connections("idle")
    await until(lambda: connections("in_use") == 0)
    await store.close()
    assert connections("idle") == 0
