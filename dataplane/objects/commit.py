"""The moment between a durable body and its metadata: what becomes of the shards, whatever happens.

A refused commit removes the shards. A commit whose outcome is unknown keeps them: they may be referred to; if
not, the orphan sweep takes them. A caller that goes away does not interrupt a commit.
Must not know: what is committed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from dataplane import metrics
from dataplane.errors import DomainError, MetadataUnavailable
from dataplane.failpoints import hit
from dataplane.objects.ingest import StoredBody

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class Committer:
    """Runs commits to their end; one per process."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Waits for the commits under way."""
        if self._running:
            await asyncio.wait(self._running)

    async def commit(self, stored: StoredBody, work: Callable[[], Awaitable[Result]]) -> Result:
        """Awaits `work`, the metadata's transaction for the body `stored`. Raises what it raises."""
        hit("objects.before_commit")
        if stored.writer is None:
            # Nothing to clean up: no task needed.
            result = await work()
        else:
            task = asyncio.create_task(self._guarded(stored, work))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            result = await asyncio.shield(task)
        hit("objects.after_commit")
        return result

    async def _guarded(self, stored: StoredBody, work: Callable[[], Awaitable[Result]]) -> Result:
        try:
            return await work()
        except BaseException as error:
            if isinstance(error, DomainError) and not isinstance(error, MetadataUnavailable):
                await stored.discard()
            else:
                metrics.BLOB_WRITES_ORPHANED.inc()
                logger.error(
                    "A commit has an unknown outcome; its shards are kept",
                    extra={"blob": str(stored.blob.id) if stored.blob else "", "reason": repr(error)},
                )
            raise
