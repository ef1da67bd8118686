"""Six stores on the real database: with any two of them gone every object reads byte-equal."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dataplane.contracts import BucketRecord, CompletedPart, DeleteItem, ObjectAttributes, Profile
from dataplane.errors import ObjectDamaged
from dataplane.jobs.delete_object import DeleteObject
from dataplane.metadata.store import MetadataStore
from dataplane.objects.settings import ObjectSettings
from tests.support.engine import Engine, MemoryBody, open_stores, running_engine
from tests.support.metadata import assert_consistent, make_bucket, rows
from tests.support.postgres import Databases

MIB = 1 << 20
INLINE = 64 << 10
SIZES = [0, 1, INLINE - 1, INLINE, INLINE + 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 64 * MIB]
PART_SIZES = [5 * MIB, 5 * MIB + 1, 5 * MIB - 1 + MIB, 1]
PLAIN = ObjectAttributes()


@dataclass(frozen=True)
class Kept:
    """An object as it was put."""

    key: str
    data: bytes


def data_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@contextmanager
def away(paths: list[Path], lost: tuple[int, ...]) -> Iterator[None]:
    """The store directories of the positions `lost` are gone inside the block."""
    for position in lost:
        paths[position].rename(paths[position].with_suffix(".away"))
    try:
        yield
    finally:
        for position in lost:
            paths[position].with_suffix(".away").rename(paths[position])


async def fill(engine: Engine, bucket: BucketRecord) -> list[Kept]:
    kept = []
    for size in SIZES:
        data = data_of(size)
        result = await engine.objects.put(bucket, f"size-{size}", MemoryBody(data), PLAIN)
        assert result.etag == hashlib.md5(data).hexdigest()
        kept.append(Kept(f"size-{size}", data))
    upload = await engine.objects.create_upload(bucket, "multipart", PLAIN)
    parts, pieces = [], []
    for number, size in enumerate(PART_SIZES, 1):
        pieces.append(random.Random(number).randbytes(size))
        body = MemoryBody(pieces[-1])
        part = await engine.objects.upload_part(bucket, "multipart", upload.upload_id, number, body)
        parts.append(CompletedPart(number, part.etag))
    await engine.objects.complete_upload(bucket, "multipart", upload.upload_id, parts)
    kept.append(Kept("multipart", b"".join(pieces)))
    return kept


def borders(size: int) -> list[tuple[int, int]]:
    """Ranges that touch each kind of border: of segments, of parts, of the object."""
    part_ends = list(itertools.accumulate(PART_SIZES))
    edges = [edge for edge in (MIB, INLINE, *part_ends, size - MIB) if 0 < edge < size]
    ranges = [(max(0, edge - 3), min(size, edge + 3)) for edge in edges]
    return [*ranges, (0, min(1, size)), (max(0, size - 1), size), (size, size)]


async def check(engine: Engine, bucket: BucketRecord, kept: list[Kept]) -> None:
    for item in kept:
        version = await engine.objects.open(bucket, item.key)
        assert await engine.read_all(version) == item.data, item.key
        for start, stop in borders(len(item.data)):
            assert await engine.read_all(version, start, stop) == item.data[start:stop], (item.key, start, stop)


@pytest.mark.slow
@pytest.mark.parametrize("encrypt", [True, False], ids=["sealed", "plain"])
async def test_any_two_stores_may_be_lost(databases: Databases, tmp_path: Path, encrypt: bool) -> None:
    bucket = make_bucket(databases.regional_url)
    metadata = MetadataStore(databases.regional_url)
    await metadata.open()
    try:
        settings = ObjectSettings(digest_threads=2, encrypt_at_rest=encrypt)
        async with running_engine(tmp_path, metadata, settings=settings) as engine:
            kept = await fill(engine, bucket)
            await check(engine, bucket, kept)
            pairs = list(itertools.combinations(range(6), 2))
            assert len(pairs) == 15
            for lost in pairs:
                with away(engine.stores.paths, lost):
                    await check(engine, bucket, kept)
            with away(engine.stores.paths, (0, 2, 4)), pytest.raises(ObjectDamaged):
                await check(engine, bucket, kept)
            await check(engine, bucket, kept)
        # Another process, later: nothing is known to one process only.
        async with running_engine(tmp_path, metadata, stores=open_stores(engine.stores.paths)) as again:
            await check(again, bucket, kept)
    finally:
        await metadata.close()
    assert_consistent(databases.regional_url)


async def test_writes_go_on_while_stores_are_lost(databases: Databases, tmp_path: Path) -> None:
    bucket = make_bucket(databases.regional_url)
    metadata = MetadataStore(databases.regional_url)
    await metadata.open()
    data = data_of(3 * MIB + 1)
    try:
        async with running_engine(tmp_path, metadata) as engine:
            for lost, profile in [((0,), Profile(2, 2)), ((0, 5), Profile(2, 2)), ((1, 2, 3), Profile(2, 1))]:
                with away(engine.stores.paths, lost):
                    await engine.objects.put(bucket, f"lost-{lost}", MemoryBody(data), PLAIN)
                    version = await engine.objects.open(bucket, f"lost-{lost}")
                    assert version.blob is not None
                    assert version.blob.profile == profile
                    assert await engine.read_all(version) == data
                assert await engine.read_all(version) == data
    finally:
        await metadata.close()


async def test_deleted_objects_give_their_space_back(databases: Databases, tmp_path: Path) -> None:
    bucket = make_bucket(databases.regional_url)
    metadata = MetadataStore(databases.regional_url)
    await metadata.open()
    try:
        async with running_engine(tmp_path, metadata) as engine:
            await fill(engine, bucket)
            keys = [*(f"size-{size}" for size in SIZES), "multipart"]
            source = await engine.objects.open(bucket, "multipart")
            await engine.objects.copy(bucket, source, bucket, "copy", PLAIN)
            await engine.objects.delete(bucket, [DeleteItem(key) for key in [*keys, "copy"]])
            tasks = rows(databases.regional_url, "SELECT payload FROM task WHERE kind = 'DeleteObject'")
            large = [size for size in SIZES if size > INLINE]
            assert len(tasks) == len(large) + len(PART_SIZES)
            job = DeleteObject(metadata, engine.stores.transport)
            for (payload,) in tasks:
                await job.run(payload)
            assert engine.stores.shard_files() == []
            assert rows(databases.regional_url, "SELECT count(*) FROM blob") == [(0,)]
    finally:
        await metadata.close()
