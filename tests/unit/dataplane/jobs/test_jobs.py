"""DeleteObject and the spool's expiry on real files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from dataplane import failpoints
from dataplane.contracts import DeleteItem, ObjectAttributes
from dataplane.jobs.delete_object import DeleteObject, ShardsLeftError
from dataplane.jobs.expire_spool import ExpireSpool
from dataplane.jobs.forget_uploads import ForgetUploads
from dataplane.jobs.measure_stores import MeasureStores
from dataplane.jobs.steward_jobs import steward_periodic, steward_tasks
from tests.support.engine import MemoryBody, make_stores, running_engine
from tests.support.memory_metadata import MemoryMetadata

PLAIN = ObjectAttributes()
DATA = os.urandom(200_000)


async def test_shards_go_with_the_last_reference(tmp_path: Path) -> None:
    metadata = MemoryMetadata()
    bucket = metadata.bucket()
    async with running_engine(tmp_path, metadata) as engine:
        await engine.objects.put(bucket, "key", MemoryBody(DATA), PLAIN)
        source = await engine.objects.open(bucket, "key")
        await engine.objects.copy(bucket, source, bucket, "copy", PLAIN)
        assert source.blob is not None
        job, payload = DeleteObject(metadata, engine.stores.transport), {"blob_id": str(source.blob.id)}

        await engine.objects.delete(bucket, [DeleteItem("key")])
        await job.run(payload)
        assert await engine.read_all(await engine.objects.open(bucket, "copy")) == DATA

        await engine.objects.delete(bucket, [DeleteItem("copy")])
        await job.run(payload)
        assert engine.stores.shard_files() == []
        assert metadata.references == {}
        await job.run(payload)


async def test_an_unknown_blob_is_done(tmp_path: Path) -> None:
    stores = make_stores(tmp_path, 1)
    await DeleteObject(MemoryMetadata(), stores.transport).run({"blob_id": str(uuid4())})
    stores.transport.close()


async def test_a_store_that_is_away_is_asked_again(tmp_path: Path) -> None:
    metadata = MemoryMetadata()
    bucket = metadata.bucket()
    async with running_engine(tmp_path, metadata) as engine:
        await engine.objects.put(bucket, "key", MemoryBody(DATA), PLAIN)
        await engine.objects.delete(bucket, [DeleteItem("key")])
        (blob_id,) = metadata.released
        away = engine.stores.paths[2]
        away.rename(tmp_path / "away")
        job = DeleteObject(metadata, engine.stores.transport)
        with pytest.raises(ShardsLeftError, match="1 of 6 shards"):
            await job.run({"blob_id": str(blob_id)})
        assert metadata.released == [blob_id]
        (tmp_path / "away").rename(away)
        await job.run({"blob_id": str(blob_id)})
        assert engine.stores.shard_files() == []
        assert metadata.released == []


async def test_a_crash_between_shards_and_row_is_made_good(tmp_path: Path) -> None:
    metadata = MemoryMetadata()
    bucket = metadata.bucket()
    async with running_engine(tmp_path, metadata) as engine:
        await engine.objects.put(bucket, "key", MemoryBody(DATA), PLAIN)
        await engine.objects.delete(bucket, [DeleteItem("key")])
        (blob_id,) = metadata.released
        job = DeleteObject(metadata, engine.stores.transport)
        with failpoints.armed("jobs.shards_removed", failpoints.failing(5)), pytest.raises(OSError, match="Input"):
            await job.run({"blob_id": str(blob_id)})
        await job.run({"blob_id": str(blob_id)})
        assert metadata.released == []


def test_deletion_never_gives_up() -> None:
    stores_never_used = None
    kind = DeleteObject(MemoryMetadata(), stores_never_used, grace_seconds=5.0).task_kind()  # type: ignore[arg-type]
    assert (kind.name, kind.settle_seconds) == ("DeleteObject", 5.0)
    assert kind.retry.after_failure(10_000, 0.0) is not None


async def test_old_temporary_files_expire(tmp_path: Path) -> None:
    stores = make_stores(tmp_path, 2)
    stores.transport.close()
    old, young = stores.paths[0] / "tmp/00/old.0.aa", stores.paths[1] / "tmp/3f/young.1.bb"
    for file in (old, young):
        file.write_bytes(b"half")
    os.utime(old, (1, 1))
    await ExpireSpool([*stores.paths, tmp_path / "not there"], expire_after_seconds=60.0).run()
    assert (old.exists(), young.exists()) == (False, True)
    shutil.rmtree(stores.paths[0])
    await ExpireSpool(stores.paths, expire_after_seconds=0.0).run()
    assert not young.exists()


async def test_stores_are_measured(tmp_path: Path) -> None:
    stores = make_stores(tmp_path, 2)
    job = MeasureStores(stores.transport.spaces)
    await job.run()

    def value(name: str, store: str) -> float | None:
        return REGISTRY.get_sample_value(name, {"store": store})

    assert (value("anvil_store_up", "1"), value("anvil_store_up", "2")) == (1, 1)
    total, free = value("anvil_store_capacity_bytes", "1"), value("anvil_store_free_bytes", "1")
    assert total is not None
    assert free is not None
    assert 0 < free <= total
    shutil.rmtree(stores.paths[1])
    await job.run()
    assert (value("anvil_store_up", "1"), value("anvil_store_up", "2")) == (1, 0)
    assert value("anvil_store_free_bytes", "2") == 0
    stores.transport.close()


async def test_completed_uploads_are_forgotten_page_by_page(tmp_path: Path) -> None:
    class Uploads:
        left = 2500
        asked: list[float] = []

        async def forget_finished_uploads(self, *, older_than_seconds: float, limit: int) -> int:
            self.asked.append(older_than_seconds)
            gone = min(self.left, limit)
            self.left -= gone
            return gone

    uploads = Uploads()
    await ForgetUploads(uploads).run()
    assert uploads.left == 0
    assert uploads.asked == [24 * 3600.0] * 3


async def test_the_steward_does_all_of_it(tmp_path: Path) -> None:
    stores, metadata = make_stores(tmp_path, 1), MemoryMetadata()
    registry = steward_tasks(metadata, stores.transport, delete_grace_seconds=1.0)
    assert [(kind.name, kind.settle_seconds) for kind in registry] == [("DeleteObject", 1.0)]
    periodic = steward_periodic(metadata, stores.transport, stores.paths)  # type: ignore[arg-type]
    assert {job.name for job in periodic} == {"expire-spool", "measure-stores", "forget-uploads"}
    stores.transport.close()
