"""A process that puts objects until a failpoint kills it: `python -m tests.support.crash_writer DSN ROOT BUCKET_ID`.

Prints each key when its put was acknowledged. The stores are those below ROOT; arm it by ANVIL_FAILPOINTS.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from datetime import UTC, datetime
from pathlib import Path

import django

KEYS = 12
SIZES = (200_000, 1 << 20, (2 << 20) + 5)


def key_of(number: int) -> str:
    return f"key-{number % 4}"


def data_of(number: int) -> bytes:
    """What put `number` writes; keys are overwritten, so each content is told from the others."""
    return random.Random(number).randbytes(SIZES[number % len(SIZES)])


async def write(dsn: str, root: Path, bucket_id: int) -> None:
    from dataplane import failpoints
    from dataplane.contracts import BucketRecord, ObjectAttributes
    from dataplane.metadata.store import MetadataStore
    from tests.support.engine import MemoryBody, running_engine

    bucket = BucketRecord(bucket_id, "bucket", 1, "default", "local", datetime.now(UTC))
    metadata = MetadataStore(dsn, pool_size=2)
    await metadata.open()
    failpoints.arm_from(os.environ)
    async with running_engine(root, metadata) as engine:
        for number in range(KEYS):
            await engine.objects.put(bucket, key_of(number), MemoryBody(data_of(number)), ObjectAttributes())
            print(number, flush=True)
    await metadata.close()


if __name__ == "__main__":
    django.setup()
    asyncio.run(write(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
