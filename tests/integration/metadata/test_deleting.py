"""Deletes that the model of versions does not tell apart: object lock, emptying a bucket page by page, bypass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dataplane.contracts import NULL_VERSION, BucketRecord, Deleted, DeleteItem, ObjectAttributes, Versioning
from dataplane.errors import (
    InvalidArgument,
    MarkerNotAllowed,
    NoSuchBucket,
    NoSuchKey,
    NoSuchVersion,
    ObjectLocked,
    VersioningImmutable,
)
from dataplane.metadata.store import MetadataStore
from tests.support.metadata import assert_consistent, make_bucket, make_inline

TOMORROW = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def bucket(regional_url: str) -> BucketRecord:
    return make_bucket(regional_url, Versioning.ENABLED, object_lock=True)


@pytest.mark.parametrize(
    ("attributes", "bypass", "deletable"),
    [
        (ObjectAttributes(retain_until=TOMORROW, lock_mode="COMPLIANCE"), False, False),
        (ObjectAttributes(retain_until=TOMORROW, lock_mode="COMPLIANCE"), True, False),
        (ObjectAttributes(retain_until=TOMORROW, lock_mode="GOVERNANCE"), False, False),
        (ObjectAttributes(retain_until=TOMORROW, lock_mode="GOVERNANCE"), True, True),
        (ObjectAttributes(retain_until=TOMORROW - timedelta(days=2), lock_mode="COMPLIANCE"), False, True),
        (ObjectAttributes(legal_hold=True), True, False),
    ],
)
async def test_object_lock(
    store: MetadataStore, bucket: BucketRecord, *, attributes: ObjectAttributes, bypass: bool, deletable: bool
) -> None:
    committed = await store.put(bucket, make_inline(bucket, "k", attributes=attributes))
    found = await store.lookup(bucket, "k")
    assert found is not None
    assert (found.retain_until, found.lock_mode, found.legal_hold) == (
        attributes.retain_until,
        attributes.lock_mode,
        attributes.legal_hold,
    )
    [outcome] = await store.delete(bucket, [DeleteItem("k", committed.version_id)], bypass_governance=bypass)
    assert isinstance(outcome, Deleted if deletable else ObjectLocked)
    [marker] = await store.delete(bucket, [DeleteItem("k")])
    assert isinstance(marker, Deleted) and marker.delete_marker, "a marker hides even a locked version"


@pytest.mark.parametrize("page_size", [1, 3])
@pytest.mark.parametrize("delimiter", ["", "#"])
async def test_emptying_a_bucket_page_by_page(
    store: MetadataStore, regional_url: str, page_size: int, delimiter: str
) -> None:
    """Each page is deleted before the next is asked for, so its marker names a version that is gone."""
    bucket = make_bucket(regional_url)
    await store.put(bucket, make_inline(bucket, "a"))
    await store.put(bucket, make_inline(bucket, "b"))
    await store.set_versioning(bucket.id, Versioning.ENABLED)
    for _ in range(4):
        await store.put(bucket, make_inline(bucket, "a"))
    await store.delete(bucket, [DeleteItem("a")])
    await store.set_versioning(bucket.id, Versioning.SUSPENDED)
    await store.put(bucket, make_inline(bucket, "a"))
    await store.set_versioning(bucket.id, Versioning.ENABLED)
    for _ in range(2):
        await store.put(bucket, make_inline(bucket, "a"))
    key, version_id, deleted = "", None, 0
    while True:
        page = await store.list_versions(
            bucket, delimiter=delimiter, after_key=key, after_version_id=version_id, limit=page_size
        )
        outcomes = await store.delete(bucket, [DeleteItem(each.key, each.version_id) for each in page.versions])
        assert all(isinstance(outcome, Deleted) and outcome.existed for outcome in outcomes)
        deleted += len(outcomes)
        if page.next_key is None:
            break
        key, version_id = page.next_key, page.next_version_id
    assert deleted == 9
    assert not (await store.list_versions(bucket)).versions
    assert_consistent(regional_url)


async def test_a_version_marker_that_cannot_be(store: MetadataStore, bucket: BucketRecord) -> None:
    with pytest.raises(InvalidArgument):
        await store.list_versions(bucket, after_key="k", after_version_id="not an id")


async def test_versioning_only_goes_forward(store: MetadataStore, bucket: BucketRecord, regional_url: str) -> None:
    with pytest.raises(VersioningImmutable):
        await store.set_versioning(bucket.id, Versioning.SUSPENDED)
    with pytest.raises(InvalidArgument):
        await store.set_versioning(bucket.id, Versioning.UNVERSIONED)
    with pytest.raises(NoSuchBucket):
        await store.set_versioning(-1, Versioning.ENABLED)
    assert await store.bucket_state(-1) is None
    plain = make_bucket(regional_url)
    await store.set_versioning(plain.id, Versioning.SUSPENDED)
    state = await store.bucket_state(plain.id)
    assert state is not None
    assert (state.versioning, state.object_lock, state.deleted, state.epoch) == (Versioning.SUSPENDED, False, False, 1)


async def test_tags_of_what_is_not_an_object(store: MetadataStore, bucket: BucketRecord) -> None:
    with pytest.raises(NoSuchKey):
        await store.put_tags(bucket, "k", None, {"a": "b"})
    with pytest.raises(NoSuchVersion):
        await store.put_tags(bucket, "k", NULL_VERSION, {"a": "b"})
    first = await store.put(bucket, make_inline(bucket, "k"))
    [marker] = await store.delete(bucket, [DeleteItem("k")])
    assert isinstance(marker, Deleted) and marker.version_id is not None
    with pytest.raises(NoSuchKey) as refusal:
        await store.put_tags(bucket, "k", None, {"a": "b"})
    assert refusal.value.delete_marker_version_id == marker.version_id
    with pytest.raises(MarkerNotAllowed):
        await store.put_tags(bucket, "k", marker.version_id, {"a": "b"})
    assert first.version_id is not None
    assert await store.put_tags(bucket, "k", first.version_id, {"a": "b"}) == first.version_id
    found = await store.lookup_version(bucket, "k", first.version_id)
    assert found is not None and found.tags == {"a": "b"}
