"""A process killed at any point loses nothing acknowledged and shows nothing that was not written whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dataplane.contracts import BucketRecord
from dataplane.errors import NoSuchKey
from dataplane.jobs.expire_spool import ExpireSpool
from dataplane.metadata.store import MetadataStore
from tests.support.crash_writer import KEYS, data_of, key_of
from tests.support.engine import Engine, open_stores, running_engine
from tests.support.metadata import assert_consistent, make_bucket
from tests.support.postgres import Databases

ROOT = Path(__file__).parents[3]

POINTS = [
    "shards.opened=kill@20",
    "shards.appended=kill@27",
    "shards.synced=kill@33",
    "shards.renamed=kill@40",
    "shards.published=kill@48",
    "objects.before_commit=kill@6",
    "objects.after_commit=kill@7",
]


def run_writer(databases: Databases, root: Path, bucket: BucketRecord, failpoint: str) -> list[int]:
    """The numbers of the puts that were acknowledged before the kill."""
    environment = {**os.environ, "ANVIL_FAILPOINTS": failpoint, "DJANGO_SETTINGS_MODULE": "anvil_site.settings"}
    command = [sys.executable, "-m", "tests.support.crash_writer", databases.regional_url, str(root), str(bucket.id)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return [int(line) for line in done.stdout.split()]


async def content(engine: Engine, bucket: BucketRecord, key: str) -> bytes | None:
    try:
        version = await engine.objects.open(bucket, key)
    except NoSuchKey:
        return None
    return await engine.read_all(version)


@pytest.mark.parametrize("failpoint", POINTS)
async def test_acknowledged_is_durable_and_whole(databases: Databases, tmp_path: Path, failpoint: str) -> None:
    bucket = make_bucket(databases.regional_url)
    acknowledged = run_writer(databases, tmp_path, bucket, failpoint)
    assert 0 < len(acknowledged) < KEYS
    interrupted = acknowledged[-1] + 1
    metadata = MetadataStore(databases.regional_url, pool_size=2)
    await metadata.open()
    try:
        stores = open_stores([tmp_path / f"store{number}" for number in range(1, 7)])
        async with running_engine(tmp_path, metadata, stores=stores) as engine:
            for key in {key_of(number) for number in range(KEYS)}:
                last = [number for number in acknowledged if key_of(number) == key]
                allowed = [data_of(last[-1]) if last else None]
                if key_of(interrupted) == key:
                    # Nobody was told: it may be there or not, but never in part.
                    allowed.append(data_of(interrupted))
                assert await content(engine, bucket, key) in allowed, (key, acknowledged)
            await ExpireSpool(stores.paths, expire_after_seconds=-60.0).run()
            assert stores.temporary_files() == []
    finally:
        await metadata.close()
    assert_consistent(databases.regional_url)
