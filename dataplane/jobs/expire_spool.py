"""Removes temporary shard files that no writer can still be writing: what a crash left behind.

Must not know: which process wrote them; only how old they are.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from dataplane.clock import SYSTEM_CLOCK, Clock
from dataplane.shards.layout import TEMPORARY_DIRECTORY
from dataplane.tasks.registry import PeriodicJob

logger = logging.getLogger(__name__)

EXPIRE_AFTER_SECONDS = 6 * 3600.0
"""Since the last write into the file. The slowest client still sends a segment far more often."""

EVERY_SECONDS = 3600.0


class ExpireSpool:
    """Looks through the `tmp` of the given store directories."""

    def __init__(
        self,
        store_paths: Sequence[Path],
        *,
        expire_after_seconds: float = EXPIRE_AFTER_SECONDS,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._store_paths = store_paths
        self._expire_after_seconds = expire_after_seconds
        self._clock = clock

    def periodic_job(self) -> PeriodicJob:
        return PeriodicJob("expire-spool", self.run, EVERY_SECONDS)

    async def run(self) -> None:
        deadline = self._clock.now().timestamp() - self._expire_after_seconds
        for path in self._store_paths:
            removed = await asyncio.to_thread(_remove_older, path / TEMPORARY_DIRECTORY, deadline)
            if removed:
                logger.info("Removed unfinished shards of an earlier run", extra={"store": str(path), "files": removed})


def _remove_older(directory: Path, deadline: float) -> int:
    """How many files were removed. A store that is not there, or a file that goes meanwhile, is no failure."""
    removed = 0
    for place, _, names in os.walk(directory):
        for name in names:
            file = Path(place, name)
            try:
                if file.stat().st_mtime < deadline:
                    file.unlink()
                    removed += 1
            except FileNotFoundError:
                continue
            except OSError as error:
                logger.warning("A temporary file cannot be removed", extra={"file": str(file), "reason": str(error)})
    return removed
