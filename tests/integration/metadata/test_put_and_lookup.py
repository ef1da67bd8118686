"""Puts into unversioned buckets, one at a time and in batches: what is stored, replaced, released and journalled."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from dataplane.contracts import (
    BucketRecord,
    Checksum,
    ChecksumAlgorithm,
    DeleteItem,
    Encryption,
    InlineBody,
    NewVersion,
    ObjectAttributes,
    ObjectHeaders,
    Versioning,
)
from dataplane.errors import InvalidArgument, InvalidKey, NoSuchBucket, OperationAborted
from dataplane.metadata.kinds import JournalKind
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

FULL = ObjectAttributes(
    headers=ObjectHeaders("text/plain", "gzip", "attachment", "de", "no-cache", "Thu, 01 Dec 2050 16:00:00 GMT", "/x"),
    user_metadata={"colour": "grün", "Ünïcode": "✓"},
    tags={"team": "a b", "": "empty"},
    storage_class="STANDARD_IA",
    owner="tenant",
)


@pytest.fixture
def bucket(regional_url: str) -> BucketRecord:
    return make_bucket(regional_url)


async def test_everything_of_an_inline_version_comes_back(store: MetadataStore, bucket: BucketRecord) -> None:
    inline = InlineBody(bytes(range(256)) * 256, Encryption("key-1", b"w" * 60))
    checksum = Checksum(ChecksumAlgorithm.CRC64NVME, "AAAAAAAAAAA=")
    before = datetime.now(UTC) - timedelta(seconds=1)
    committed = await store.put(bucket, NewVersion(bucket.id, "a/ключ", 65536, "e" * 32, FULL, checksum, inline))
    found = await store.lookup(bucket, "a/ключ")
    assert committed.version_id is None
    assert found is not None
    assert (found.inline, found.checksum, found.blob, found.parts) == (inline, checksum, None, ())
    assert (found.key, found.size, found.etag, found.version_id) == ("a/ключ", 65536, "e" * 32, "")
    assert (found.headers, found.user_metadata, found.tags) == (FULL.headers, FULL.user_metadata, FULL.tags)
    assert (found.storage_class, found.owner, found.is_current) == ("STANDARD_IA", "tenant", True)
    assert found.last_modified == committed.last_modified
    assert before < found.last_modified < datetime.now(UTC) + timedelta(seconds=1)


async def test_everything_of_a_sharded_version_comes_back(store: MetadataStore, bucket: BucketRecord) -> None:
    new = make_sharded(bucket, "k")
    await store.put(bucket, new)
    found = await store.lookup(bucket, "k")
    assert found is not None
    assert (found.blob, found.inline, found.size) == (new.blob, None, new.size)


async def test_an_empty_body_is_a_body(store: MetadataStore, bucket: BucketRecord) -> None:
    await store.put(bucket, make_inline(bucket, "empty", b""))
    found = await store.lookup(bucket, "empty")
    assert found is not None and found.inline == InlineBody(b"")


async def test_without_content_the_body_stays_where_it_is(store: MetadataStore, bucket: BucketRecord) -> None:
    await store.put(bucket, make_inline(bucket, "k", b"x" * 5000))
    found = await store.lookup(bucket, "k", content=False)
    assert found is not None and found.inline is None and found.size == 5000


async def test_an_absent_key_is_none(store: MetadataStore, bucket: BucketRecord) -> None:
    assert await store.lookup(bucket, "absent") is None
    assert await store.lookup(bucket, "nul\0") is None
    assert await store.lookup_version(bucket, "absent", "") is None
    assert await store.lookup_version(bucket, "absent", "x") is None


async def test_an_overwrite_leaves_nothing_of_the_old(store: MetadataStore, bucket: BucketRecord) -> None:
    checksum = Checksum(ChecksumAlgorithm.SHA256, "abc=")
    await store.put(bucket, make_inline(bucket, "k", b"old", FULL, checksum=checksum))
    await store.put(bucket, make_sharded(bucket, "k"))
    found = await store.lookup(bucket, "k")
    assert found is not None
    assert found.inline is None and found.checksum is None and found.blob is not None
    assert (found.headers, found.user_metadata, found.tags) == (ObjectHeaders(), {}, {})
    assert (found.storage_class, found.owner) == ("STANDARD", "")


async def test_many_at_once_each_get_their_own_answer(
    store: MetadataStore, bucket: BucketRecord, regional_url: str
) -> None:
    others = make_bucket(regional_url)
    versioned = make_bucket(regional_url, Versioning.ENABLED)
    missing = BucketRecord(999_999, "missing", 1, "t", "local", datetime.now(UTC))
    puts = [
        store.put(where, make_inline(where, f"k{number}", str(number).encode()))
        for number in range(100)
        for where in (bucket, others, versioned, missing)
    ]
    outcomes = await asyncio.gather(*puts, return_exceptions=True)
    for number, outcome in enumerate(outcomes):
        if number % 4 == 3:
            assert isinstance(outcome, NoSuchBucket)
        else:
            assert not isinstance(outcome, BaseException)
            assert (outcome.version_id is None) == (number % 4 != 2)
    found = await asyncio.gather(*(store.lookup(where, f"k{n}") for where in (bucket, versioned) for n in range(110)))
    bodies = [each.inline.data if each and each.inline else None for each in found]
    expected = [str(number).encode() for number in range(100)] + [None] * 10
    assert bodies == expected * 2


async def test_the_same_key_twice_at_once(store: MetadataStore, bucket: BucketRecord, regional_url: str) -> None:
    outcomes = await asyncio.gather(*(store.put(bucket, make_sharded(bucket, "same")) for _ in range(40)))
    assert len(outcomes) == 40
    assert_consistent(regional_url)


async def test_a_replaced_blob_is_released(store: MetadataStore, bucket: BucketRecord, regional_url: str) -> None:
    old = make_blob()
    await store.put(bucket, make_sharded(bucket, "k", old))
    await store.put(bucket, make_inline(bucket, "k"))
    assert rows(regional_url, "SELECT refs FROM blob WHERE id = %s", [old.id]) == [(0,)]
    assert_consistent(regional_url)


async def test_two_copies_replaced_in_one_batch_release_twice(
    store: MetadataStore, bucket: BucketRecord, regional_url: str
) -> None:
    blob = make_blob()
    await store.put(bucket, make_sharded(bucket, "a", blob))
    await store.put(bucket, make_sharded(bucket, "b", blob, shared=True))
    await store.put(bucket, make_sharded(bucket, "c", blob, shared=True))
    assert rows(regional_url, "SELECT refs FROM blob WHERE id = %s", [blob.id]) == [(3,)]
    # The first two take the free flights; what comes after them goes out together.
    await asyncio.gather(*(store.put(bucket, make_inline(bucket, key)) for key in ("x", "y", "a", "b", "c")))
    assert rows(regional_url, "SELECT refs FROM blob WHERE id = %s", [blob.id]) == [(0,)]
    assert_consistent(regional_url)


async def test_sharing_a_dead_blob_is_refused_and_writes_nothing(
    store: MetadataStore, bucket: BucketRecord, regional_url: str
) -> None:
    blob = make_blob()
    await store.put(bucket, make_sharded(bucket, "source", blob))
    await store.put(bucket, make_inline(bucket, "source"))
    with pytest.raises(OperationAborted):
        await store.put(bucket, make_sharded(bucket, "copy", blob, shared=True))
    assert await store.lookup(bucket, "copy") is None
    assert_consistent(regional_url)


async def test_a_plain_put_over_parts_releases_them_all(
    store: MetadataStore, bucket: BucketRecord, regional_url: str
) -> None:
    joined = make_joined(bucket, "k", tuple(make_part(number) for number in (1, 2, 7)))
    await store.put(bucket, joined)
    found = await store.lookup(bucket, "k")
    assert found is not None
    assert [(part.number, part.blob) for part in found.parts] == [(part.number, part.blob) for part in joined.parts]
    assert found.part_count == 3
    await store.put(bucket, make_inline(bucket, "k"))
    assert rows(regional_url, "SELECT count(*) FROM version_part p JOIN blob b ON b.id = p.blob_id") == [(0,)]
    assert_consistent(regional_url)


async def test_many_readers_of_one_version_in_parts_see_it_whole(store: MetadataStore, bucket: BucketRecord) -> None:
    await store.put(bucket, make_joined(bucket, "k", tuple(make_part(number) for number in range(1, 4))))
    found = await asyncio.gather(*(store.lookup(bucket, "k") for _ in range(40)))
    assert {tuple(part.number for part in version.parts) for version in found if version} == {(1, 2, 3)}
    assert len(found) == 40


async def test_shards_that_are_owed_become_a_task(
    store: MetadataStore, bucket: BucketRecord, regional_url: str
) -> None:
    new = make_sharded(bucket, "k", owed_shards=(2, 5))
    await store.put(bucket, new)
    assert new.blob is not None
    payloads = rows(regional_url, "SELECT payload FROM task WHERE kind = 'RepairBlob'")
    assert payloads == [({"blob_id": str(new.blob.id), "shards": [2, 5]},)]


async def test_every_change_is_in_the_journal_in_order(
    store: MetadataStore, bucket: BucketRecord, regional_url: str
) -> None:
    await store.put(bucket, make_inline(bucket, "k", b"12345", etag="first"))
    await store.put(bucket, make_inline(bucket, "k", b"123", etag="second"))
    await store.put_tags(bucket, "k", None, {"a": "b"})
    await store.delete(bucket, [DeleteItem("k"), DeleteItem("never there")])
    assert rows(
        regional_url,
        "SELECT kind, etag, size, bytes_delta, versions_delta FROM journal WHERE bucket_id = %s ORDER BY xid, id",
        [bucket.id],
    ) == [
        (JournalKind.PUT, "first", 5, 5, 1),
        (JournalKind.PUT, "second", 3, -2, 0),
        (JournalKind.TAGS, "second", 3, 0, 0),
        (JournalKind.DELETE, "second", 3, -3, -1),
    ]
    assert_consistent(regional_url)


async def test_one_bad_item_fails_alone(store: MetadataStore, bucket: BucketRecord, regional_url: str) -> None:
    bad = ObjectAttributes(user_metadata={"a": "nul \0"})
    outcomes = await asyncio.gather(
        *(store.put(bucket, make_inline(bucket, f"good{number}")) for number in range(20)),
        store.put(bucket, make_inline(bucket, "bad", attributes=bad)),
        store.put(bucket, make_inline(bucket, "surrogate", attributes=ObjectAttributes(tags={"a": "\ud800"}))),
        *(store.put(bucket, make_inline(bucket, f"also{number}")) for number in range(20)),
        return_exceptions=True,
    )
    assert [number for number, outcome in enumerate(outcomes) if isinstance(outcome, BaseException)] == [20, 21]
    assert isinstance(outcomes[20], InvalidArgument) and isinstance(outcomes[21], InvalidArgument)
    assert len((await store.list_objects(bucket)).objects) == 40
    assert_consistent(regional_url)


@pytest.mark.parametrize("key", ["nul\0", "half \ud83d"])
async def test_keys_that_no_database_can_hold(store: MetadataStore, bucket: BucketRecord, key: str) -> None:
    with pytest.raises(InvalidKey):
        await store.put(bucket, make_inline(bucket, key))


async def test_deletes_of_many_keys(store: MetadataStore, bucket: BucketRecord, regional_url: str) -> None:
    shared = make_blob()
    await store.put(bucket, make_sharded(bucket, "a", shared))
    await store.put(bucket, make_sharded(bucket, "b", shared, shared=True))
    await store.put(bucket, make_joined(bucket, "parts", (make_part(1), make_part(2))))
    await asyncio.gather(*(store.put(bucket, make_inline(bucket, f"k{number}")) for number in range(500)))
    keys = ["a", "b", "parts", "absent", *(f"k{number}" for number in range(500)), "k1"]
    outcomes = await store.delete(bucket, [DeleteItem(key) for key in keys])
    absent = [key for key, outcome in zip(keys, outcomes, strict=True) if not getattr(outcome, "existed", False)]
    assert len(absent) == 2 and set(absent) == {"absent", "k1"}
    assert not (await store.list_objects(bucket)).objects
    assert_consistent(regional_url)
