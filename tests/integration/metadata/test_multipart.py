"""Uploads from creation to completion or abortion, and what becomes of the blobs of their parts."""

from __future__ import annotations

import asyncio

import pytest

from dataplane.contracts import (
    BucketRecord,
    Checksum,
    ChecksumAlgorithm,
    ChecksumType,
    ObjectAttributes,
    ObjectHeaders,
    PartRecord,
    Versioning,
    WriteConditions,
)
from dataplane.errors import InvalidPart, NoSuchUpload, OperationAborted, PreconditionFailed
from dataplane.metadata.kinds import JournalKind
from dataplane.metadata.store import MetadataStore
from tests.support.metadata import (
    assert_consistent,
    make_blob,
    make_bucket,
    make_inline,
    make_joined,
    make_part,
    rows,
)

ATTRIBUTES = ObjectAttributes(ObjectHeaders("video/mp4", cache_control="max-age=1"), {"k": "v"}, {"t": "1"}, owner="me")


@pytest.fixture(params=list(Versioning))
def bucket(request: pytest.FixtureRequest, regional_url: str) -> BucketRecord:
    return make_bucket(regional_url, request.param)


async def test_an_upload_comes_back_as_it_was_announced(store: MetadataStore, bucket: BucketRecord) -> None:
    made = await store.create_upload(bucket, "k", ATTRIBUTES, ChecksumAlgorithm.CRC32C, ChecksumType.COMPOSITE)
    assert made.attributes == ATTRIBUTES
    assert await store.upload(bucket, "k", made.upload_id) == made
    assert (await store.list_uploads(bucket)).uploads == (made,)
    with pytest.raises(NoSuchUpload):
        await store.upload(bucket, "other key", made.upload_id)


async def test_parts_are_kept_replaced_and_listed_in_order(
    store: MetadataStore, bucket: BucketRecord, regional_url: str
) -> None:
    upload = await store.create_upload(bucket, "k", ATTRIBUTES)
    checksum = Checksum(ChecksumAlgorithm.CRC32, "AAAAAA==")
    kept: dict[int, PartRecord] = {}
    for number in (9, 2, 10_000, 2):
        part = make_part(number)
        part = PartRecord(number, part.size, part.etag, part.blob, checksum)
        kept[number] = await store.put_part(bucket, upload.upload_id, part)
    page = await store.list_parts(bucket, upload.upload_id, limit=2)
    assert (page.parts, page.next_number) == ((kept[2], kept[9]), 9)
    page = await store.list_parts(bucket, upload.upload_id, after=9, limit=2)
    assert (page.parts, page.next_number) == ((kept[10_000],), None)
    assert rows(regional_url, "SELECT count(*) FROM task WHERE kind = 'DeleteObject'")[0][0] >= 1
    assert_consistent(regional_url)


async def test_completion_keeps_the_named_parts_and_gives_back_the_others(
    store: MetadataStore, bucket: BucketRecord, regional_url: str
) -> None:
    await store.put(bucket, make_inline(bucket, "k"))
    upload = await store.create_upload(bucket, "k", ATTRIBUTES)
    parts = [await store.put_part(bucket, upload.upload_id, make_part(number)) for number in (1, 2, 3)]
    chosen = (parts[0], parts[2])
    new = make_joined(bucket, "k", chosen)
    committed = await store.complete_upload(bucket, upload.upload_id, new)
    found = await store.lookup(bucket, "k")
    assert found is not None
    assert (found.parts, found.part_count, found.etag, found.size) == (chosen, 2, new.etag, new.size)
    assert found.last_modified == committed.last_modified
    assert rows(regional_url, "SELECT refs FROM blob WHERE id = %s", [parts[1].blob.id]) == [(0,)]
    assert not (await store.list_uploads(bucket)).uploads
    kinds = rows(regional_url, "SELECT kind FROM journal WHERE bucket_id = %s ORDER BY id", [bucket.id])
    assert kinds == [(JournalKind.PUT,), (JournalKind.COMPLETE_UPLOAD,)]
    assert_consistent(regional_url)


async def test_a_repeated_completion_answers_the_same(
    store: MetadataStore, bucket: BucketRecord, regional_url: str
) -> None:
    upload = await store.create_upload(bucket, "k", ATTRIBUTES)
    part = await store.put_part(bucket, upload.upload_id, make_part(1))
    new = make_joined(bucket, "k", (part,))
    first, second = await asyncio.gather(
        store.complete_upload(bucket, upload.upload_id, new), store.complete_upload(bucket, upload.upload_id, new)
    )
    again = await store.complete_upload(bucket, upload.upload_id, make_joined(bucket, "k", (), etag=new.etag))
    assert first == second == again
    with pytest.raises(NoSuchUpload):
        await store.complete_upload(bucket, upload.upload_id, make_joined(bucket, "k", (), etag="another"))
    for late in (
        store.put_part(bucket, upload.upload_id, make_part(2)),
        store.list_parts(bucket, upload.upload_id),
        store.abort_upload(bucket, upload.upload_id),
        store.upload(bucket, "k", upload.upload_id),
    ):
        with pytest.raises(NoSuchUpload):
            await late
    await store.forget_finished_uploads(older_than_seconds=0)
    with pytest.raises(NoSuchUpload):
        await store.complete_upload(bucket, upload.upload_id, new)
    assert_consistent(regional_url)


async def test_a_part_that_was_replaced_meanwhile_cannot_be_used(
    store: MetadataStore, bucket: BucketRecord, regional_url: str
) -> None:
    upload = await store.create_upload(bucket, "k", ATTRIBUTES)
    old = await store.put_part(bucket, upload.upload_id, make_part(1))
    await store.put_part(bucket, upload.upload_id, make_part(1))
    with pytest.raises(InvalidPart) as refusal:
        await store.complete_upload(bucket, upload.upload_id, make_joined(bucket, "k", (old,)))
    assert refusal.value.part_number == 1
    with pytest.raises(NoSuchUpload):
        await store.complete_upload(bucket, upload.upload_id, make_joined(bucket, "k", ()))
    assert await store.lookup(bucket, "k") is None
    assert_consistent(regional_url)


async def test_a_failed_condition_leaves_the_upload_as_it_was(
    store: MetadataStore, bucket: BucketRecord, regional_url: str
) -> None:
    await store.put(bucket, make_inline(bucket, "k"))
    upload = await store.create_upload(bucket, "k", ATTRIBUTES)
    part = await store.put_part(bucket, upload.upload_id, make_part(1))
    new = make_joined(bucket, "k", (part,))
    with pytest.raises(PreconditionFailed):
        await store.complete_upload(bucket, upload.upload_id, new, WriteConditions(if_none_match=True))
    assert (await store.list_parts(bucket, upload.upload_id)).parts == (part,)
    await store.complete_upload(bucket, upload.upload_id, new)
    assert_consistent(regional_url)


async def test_abort_gives_everything_back(store: MetadataStore, bucket: BucketRecord, regional_url: str) -> None:
    upload = await store.create_upload(bucket, "k", ATTRIBUTES)
    parts = [await store.put_part(bucket, upload.upload_id, make_part(number)) for number in (1, 2)]
    await store.abort_upload(bucket, upload.upload_id)
    ids = [part.blob.id for part in parts]
    assert rows(regional_url, "SELECT refs FROM blob WHERE id = ANY (%s)", [ids]) == [(0,), (0,)]
    with pytest.raises(NoSuchUpload):
        await store.abort_upload(bucket, upload.upload_id)
    assert_consistent(regional_url)


async def test_a_copied_part_shares_its_blob(store: MetadataStore, bucket: BucketRecord, regional_url: str) -> None:
    blob = make_blob()
    upload = await store.create_upload(bucket, "k", ATTRIBUTES)
    with pytest.raises(OperationAborted):
        await store.put_part(bucket, upload.upload_id, PartRecord(1, blob.size, "e", blob), shared=True)
    await store.put_part(bucket, upload.upload_id, PartRecord(1, blob.size, "e", blob), owed_shards=(3,))
    await store.put_part(bucket, upload.upload_id, PartRecord(2, blob.size, "e", blob), shared=True)
    await store.put_part(bucket, upload.upload_id, PartRecord(2, blob.size, "e", blob), shared=True)
    assert rows(regional_url, "SELECT refs FROM blob WHERE id = %s", [blob.id]) == [(2,)]
    assert rows(
        regional_url, "SELECT payload -> 'shards' FROM task WHERE payload ->> 'blob_id' = %s", [str(blob.id)]
    ) == [([3],)]
    assert_consistent(regional_url)


async def test_one_blob_may_be_several_parts(store: MetadataStore, regional_url: str) -> None:
    bucket = make_bucket(regional_url)
    blob = make_blob()
    await store.put(bucket, make_joined(bucket, "source", (PartRecord(1, blob.size, "e", blob),)))
    parts = tuple(PartRecord(number, blob.size, "e", blob) for number in (1, 2, 3))
    await store.put(bucket, make_joined(bucket, "k", parts, shared=True))
    assert rows(regional_url, "SELECT refs FROM blob WHERE id = %s", [blob.id]) == [(4,)]
    await store.put(bucket, make_inline(bucket, "k"))
    assert rows(regional_url, "SELECT refs FROM blob WHERE id = %s", [blob.id]) == [(1,)]
    assert_consistent(regional_url)


async def test_parts_completions_and_aborts_at_once(
    store: MetadataStore, other_store: MetadataStore, regional_url: str
) -> None:
    bucket = make_bucket(regional_url)
    for _ in range(10):
        upload = await store.create_upload(bucket, "k", ATTRIBUTES)
        part = await store.put_part(bucket, upload.upload_id, make_part(1))
        outcomes = await asyncio.gather(
            *(each.put_part(bucket, upload.upload_id, make_part(2)) for each in (store, other_store) * 3),
            other_store.complete_upload(bucket, upload.upload_id, make_joined(bucket, "k", (part,))),
            store.abort_upload(bucket, upload.upload_id),
            return_exceptions=True,
        )
        *_, completed, aborted = outcomes
        assert isinstance(completed, NoSuchUpload) != isinstance(aborted, NoSuchUpload)
        assert all(not isinstance(each, BaseException) or isinstance(each, NoSuchUpload) for each in outcomes)
    assert_consistent(regional_url)


async def test_ten_thousand_parts(store: MetadataStore, regional_url: str) -> None:
    bucket = make_bucket(regional_url)
    parts = tuple(make_part(number) for number in range(1, 10_001))
    await store.put(bucket, make_joined(bucket, "k", parts))
    found = await store.lookup(bucket, "k")
    assert found is not None and len(found.parts) == 10_000
    await store.put(bucket, make_joined(bucket, "copy", parts, shared=True))
    await store.put(bucket, make_inline(bucket, "k"))
    await store.put(bucket, make_inline(bucket, "copy"))
    assert_consistent(regional_url)
