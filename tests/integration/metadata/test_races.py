"""Writers of one key against each other, through two stores that share nothing but the database."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable

import pytest

from dataplane.contracts import DeleteItem, Versioning, WriteConditions
from dataplane.errors import DomainError, NoSuchBucket, NoSuchKey, OperationAborted, PreconditionFailed
from dataplane.metadata.bucket_states import RegionalBucketStates
from dataplane.metadata.store import MetadataStore
from tests.support.metadata import (
    assert_consistent,
    make_blob,
    make_bucket,
    make_inline,
    make_joined,
    make_part,
    make_sharded,
    rows,
)
from tests.support.postgres import Databases, django_connected_to

CREATE = WriteConditions(if_none_match=True)


@pytest.mark.parametrize("versioning", list(Versioning))
async def test_exactly_one_of_twenty_creators_wins(
    store: MetadataStore, other_store: MetadataStore, regional_url: str, versioning: Versioning
) -> None:
    bucket = make_bucket(regional_url, versioning)
    for turn in range(10):
        stores = [store, other_store] * 10
        outcomes = await asyncio.gather(
            *(each.put(bucket, make_inline(bucket, f"k{turn}"), CREATE) for each in stores), return_exceptions=True
        )
        losers = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert len(losers) == 19
        assert all(isinstance(loser, PreconditionFailed) for loser in losers), losers
    assert_consistent(regional_url)


async def test_a_creator_loses_against_plain_puts_or_comes_first(
    store: MetadataStore, other_store: MetadataStore, regional_url: str
) -> None:
    bucket = make_bucket(regional_url)
    for turn in range(20):
        plain = [make_inline(bucket, f"k{turn}", etag=f"plain{number}") for number in range(4)]
        created = make_inline(bucket, f"k{turn}", etag="created")
        await asyncio.gather(
            *(store.put(bucket, new) for new in plain),
            other_store.put(bucket, created, CREATE),
            return_exceptions=True,
        )
        history = rows(
            regional_url,
            "SELECT etag FROM journal WHERE bucket_id = %s AND key = %s ORDER BY id",
            [bucket.id, f"k{turn}"],
        )
        assert "created" not in [etag for (etag,) in history[1:]], "created over something that was there"
        assert len(history) >= 4
    assert_consistent(regional_url)


async def test_of_two_that_match_the_same_etag_one_wins(
    store: MetadataStore, other_store: MetadataStore, regional_url: str
) -> None:
    bucket = make_bucket(regional_url)
    await store.put(bucket, make_inline(bucket, "k", etag="0"))
    for turn in range(20):
        condition = WriteConditions(if_match=str(turn))
        outcomes = await asyncio.gather(
            *(
                each.put(bucket, make_inline(bucket, "k", etag=str(turn + 1)), condition)
                for each in (store, other_store, store, other_store)
            ),
            return_exceptions=True,
        )
        failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert len(failed) == 3 and all(isinstance(outcome, PreconditionFailed) for outcome in failed), failed


@pytest.mark.parametrize("versioning", list(Versioning))
async def test_blobs_are_counted_right_under_all_writers_at_once(
    store: MetadataStore, other_store: MetadataStore, regional_url: str, versioning: Versioning
) -> None:
    """Overwrites race with deletes, copies and parts on four keys; whatever wins, no blob is lost or kept."""
    bucket = make_bucket(regional_url, versioning)
    chance = random.Random(7)
    shared = make_blob()
    await store.put(bucket, make_sharded(bucket, "source", shared))

    def operation(each: MetadataStore) -> Awaitable[object]:
        key = f"k{chance.randrange(4)}"
        match chance.randrange(8):
            case 0:
                return each.delete(bucket, [DeleteItem(key), DeleteItem("source" if chance.random() < 0.02 else key)])
            case 1:
                return each.put(bucket, make_joined(bucket, key, (make_part(1), make_part(2))))
            case 2:
                return each.put(bucket, make_sharded(bucket, key, shared, shared=True))
            case 3:
                return each.put(bucket, make_inline(bucket, key), CREATE)
            case 4:
                return each.put(bucket, make_inline(bucket, key))
            case _:
                return each.put(bucket, make_sharded(bucket, key))

    for _ in range(15):
        outcomes = await asyncio.gather(
            *(operation(each) for each in [store, other_store] * 16), return_exceptions=True
        )
        for outcome in outcomes:
            assert not isinstance(outcome, BaseException) or isinstance(outcome, PreconditionFailed | OperationAborted)
    assert_consistent(regional_url)


async def test_versioning_switched_on_under_load(
    store: MetadataStore, other_store: MetadataStore, regional_url: str
) -> None:
    """What was acknowledged after the switch is a version of its own; nothing before it is lost."""
    bucket = make_bucket(regional_url)
    stop = asyncio.Event()
    after_switch: list[str] = []
    switched = False

    async def writer(each: MetadataStore) -> None:
        while not stop.is_set():
            began_after = switched
            committed = await each.put(bucket, make_sharded(bucket, "k"))
            if began_after:
                assert committed.version_id
                after_switch.append(committed.version_id)
            if len(after_switch) >= 50:
                stop.set()

    async with asyncio.TaskGroup() as group:
        writers = [group.create_task(writer(each)) for each in (store, other_store) * 4]
        await store.put(bucket, make_inline(bucket, "other"))
        await other_store.set_versioning(bucket.id, Versioning.ENABLED)
        switched = True
        await stop.wait()
    assert all(task.done() for task in writers)
    page = await store.list_versions(bucket, prefix="k")
    assert set(after_switch) <= {version.version_id for version in page.versions}
    assert_consistent(regional_url)


async def test_a_bucket_is_not_retired_under_a_writer(module_databases: Databases, store: MetadataStore) -> None:
    """Either the writer gets NoSuchBucket and the bucket is empty, or the bucket stays."""
    regional_url = module_databases.regional_url
    states = RegionalBucketStates()
    with django_connected_to(module_databases):
        for turn in range(30):
            bucket = make_bucket(regional_url, Versioning.ENABLED if turn % 2 else Versioning.UNVERSIONED)
            put, gone, created = await asyncio.gather(
                store.put(bucket, make_inline(bucket, "k")),
                asyncio.to_thread(_retire, states, bucket.id),
                store.create_upload(bucket, "k", make_inline(bucket, "k").attributes),
                return_exceptions=True,
            )
            there = await store.list_versions(bucket)
            assert not isinstance(gone, BaseException)
            assert gone == isinstance(put, NoSuchBucket), (gone, put)
            assert bool(there.versions) != gone
            if gone:
                assert not (await store.list_uploads(bucket)).uploads
                with pytest.raises(NoSuchBucket):
                    await store.put(bucket, make_inline(bucket, "late"))
                with pytest.raises(NoSuchBucket):
                    await store.create_upload(bucket, "late", make_inline(bucket, "late").attributes)
            else:
                assert not isinstance(created, BaseException)
    assert_consistent(regional_url)


def _retire(states: RegionalBucketStates, bucket_id: int) -> bool:
    from django.db import connections

    try:
        return states.retire(bucket_id)
    finally:
        connections.close_all()


async def test_if_match_without_an_object(store: MetadataStore, regional_url: str) -> None:
    bucket = make_bucket(regional_url)
    with pytest.raises(NoSuchKey):
        await store.put(bucket, make_inline(bucket, "k"), WriteConditions(if_match="*"))
    outcomes = await store.delete(bucket, [DeleteItem("k", conditions=WriteConditions(if_match="x"))])
    assert not isinstance(outcomes[0], DomainError) and not outcomes[0].existed
