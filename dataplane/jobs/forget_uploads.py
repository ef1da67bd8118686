"""Drops what is remembered of completed uploads once nobody repeats their completion any more.

Must not know: tables.
"""

from __future__ import annotations

from typing import Protocol

from dataplane.tasks.registry import PeriodicJob

REMEMBERED_SECONDS = 24 * 3600.0
"""Clients repeat a completion within minutes."""

EVERY_SECONDS = 600.0
ROWS_AT_ONCE = 1000


class FinishedUploads(Protocol):
    async def forget_finished_uploads(self, *, older_than_seconds: float, limit: int) -> int:
        """How many rows went."""
        ...


class ForgetUploads:
    """Idempotent; several nodes may do it at once."""

    def __init__(self, uploads: FinishedUploads) -> None:
        self._uploads = uploads

    def periodic_job(self) -> PeriodicJob:
        return PeriodicJob("forget-uploads", self.run, EVERY_SECONDS)

    async def run(self) -> None:
        gone = ROWS_AT_ONCE
        while gone == ROWS_AT_ONCE:
            gone = await self._uploads.forget_finished_uploads(
                older_than_seconds=REMEMBERED_SECONDS, limit=ROWS_AT_ONCE
            )
