"""What the region's buckets hold, by the names the control plane knows: joined here, since neither side knows both."""

from __future__ import annotations

import asyncio
from pathlib import Path

from django.db import close_old_connections

from anvil_site.usage_table import BucketFigures, UsageSummary, write_table
from control.services.bucket_pages import NamedBucket, page_after
from dataplane.metadata.usage_rows import UsageRows
from dataplane.tasks.registry import PeriodicJob

EVERY_SECONDS = 15.0
BUCKETS_AT_ONCE = 1000


class UsageReport:
    """Writes the table that `/metrics` shows to `directory`."""

    def __init__(
        self, usage: UsageRows, region: str, directory: Path, *, buckets_at_once: int = BUCKETS_AT_ONCE
    ) -> None:
        self._usage = usage
        self._region = region
        self._directory = directory
        self._buckets_at_once = buckets_at_once

    def periodic_job(self) -> PeriodicJob:
        return PeriodicJob("usage-report", self.run, EVERY_SECONDS)

    async def run(self) -> None:
        summary = UsageSummary()
        last_id = 0
        while page := await asyncio.to_thread(self._page_after, last_id):
            held = await self._usage.of([bucket.id for bucket in page])
            for bucket in page:
                figures = held.get(bucket.id)  # None: it never held anything
                size, versions = (figures.bytes, figures.versions) if figures else (0, 0)
                summary.add(BucketFigures(bucket.tenant, bucket.name, size, versions))
            last_id = page[-1].id
        await asyncio.to_thread(write_table, self._directory, summary.table())

    def _page_after(self, bucket_id: int) -> list[NamedBucket]:
        close_old_connections()
        try:
            return page_after(bucket_id, region=self._region, limit=self._buckets_at_once)
        finally:
            close_old_connections()
