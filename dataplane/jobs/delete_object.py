"""DeleteObject: removes the shards of a blob that nothing refers to, on every store, then its row.

Must not know: why nobody refers to it any more, how tasks are claimed.
"""

from __future__ import annotations

from uuid import UUID

from dataplane import metrics
from dataplane.contracts import BlobRecord
from dataplane.failpoints import hit
from dataplane.objects.metadata_port import ReleasedBlobs
from dataplane.tasks.registry import Payload, TaskKind
from dataplane.tasks.rules import Backoff, RetryPolicy
from dataplane.transport.base import ShardTransport

KIND = "DeleteObject"

GRACE_SECONDS = 60.0
"""Shards outlive their object by this much: for reads that looked it up before it was deleted or replaced."""


class ShardsLeftError(Exception):
    """Some stores could not be asked or refused; the task is tried again until all have answered."""


class DeleteObject:
    """Idempotent: a blob that is gone, or referred to, is left alone."""

    def __init__(
        self, blobs: ReleasedBlobs, transport: ShardTransport, *, grace_seconds: float = GRACE_SECONDS
    ) -> None:
        self._blobs = blobs
        self._transport = transport
        self._grace_seconds = grace_seconds

    def task_kind(self) -> TaskKind:
        # For ever: a store may be away for long, and giving up would leave its space taken.
        return TaskKind(
            KIND,
            self.run,
            retry=RetryPolicy(Backoff(first_seconds=2.0), max_attempts=None),
            concurrency=8,
            settle_seconds=self._grace_seconds,
        )

    async def run(self, payload: Payload) -> None:
        """`payload`: {"blob_id": ...}. Raises `ShardsLeftError`."""
        blob = await self._blobs.released_blob(UUID(payload["blob_id"]))
        if blob is None:
            return
        await self._remove_shards(blob)
        hit("jobs.shards_removed")
        await self._blobs.forget_blob(blob.id)

    async def _remove_shards(self, blob: BlobRecord) -> None:
        failures = await self._transport.delete(blob.id, dict(enumerate(blob.stores)))
        metrics.SHARD_DELETES_DONE.inc(len(blob.stores) - len(failures))
        if failures:
            metrics.SHARD_DELETES_FAILED.inc(len(failures))
            reasons = "; ".join(sorted({str(failure) for failure in failures.values()}))
            raise ShardsLeftError(f"{len(failures)} of {len(blob.stores)} shards of {blob.id} remain: {reasons}")
