"""Bytes and versions by bucket and tenant: a table the steward writes whole, and `/metrics` shows as it is.

No gauges of the metrics library: in several processes it never forgets a label that was used once, so deleted
buckets would stay. Names beyond the largest are summed up as `OTHERS`, so the table cannot grow with their number.
Must not know where the figures come from.
"""

from __future__ import annotations

import heapq
import json
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

MAX_BUCKETS = 1000
"""Shown by name, the largest by their bytes."""
MAX_TENANTS = 1000
OTHERS = "(others)"
"""No name: names have no parentheses."""
STALE_AFTER_SECONDS = 300.0
"""An older table is not shown: whoever wrote it does so no more."""

_FILE_NAME = "usage.json"


class BucketFigures(NamedTuple):
    tenant: str
    bucket: str
    bytes: int
    versions: int


class TenantFigures(NamedTuple):
    tenant: str
    bytes: int


class UsageTable(NamedTuple):
    """The buckets' bytes sum up to the tenants'."""

    buckets: list[BucketFigures]
    tenants: list[TenantFigures]


NO_USAGE = UsageTable([], [])


class UsageSummary:
    """Takes any number of buckets one by one and keeps a bounded number, and the sums of each tenant."""

    def __init__(self, *, max_buckets: int = MAX_BUCKETS, max_tenants: int = MAX_TENANTS) -> None:
        self._max_buckets = max_buckets
        self._max_tenants = max_tenants
        self._largest: list[tuple[int, BucketFigures]] = []
        self._tenant_bytes: defaultdict[str, int] = defaultdict(int)
        self._rest: defaultdict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))

    def add(self, bucket: BucketFigures) -> None:
        self._tenant_bytes[bucket.tenant] += bucket.bytes
        if len(self._largest) < self._max_buckets:
            heapq.heappush(self._largest, (bucket.bytes, bucket))
            return
        _, smallest = heapq.heappushpop(self._largest, (bucket.bytes, bucket))
        _add(self._rest, smallest.tenant, smallest.bytes, smallest.versions)

    def table(self) -> UsageTable:
        by_size = sorted(self._tenant_bytes.items(), key=lambda one: (-one[1], one[0]))
        tenants = [TenantFigures(*one) for one in by_size[: self._max_tenants]]
        if hidden := by_size[self._max_tenants :]:
            tenants.append(TenantFigures(OTHERS, sum(size for _, size in hidden)))
        shown = {one.tenant for one in tenants}
        rest: defaultdict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for tenant, (size, versions) in self._rest.items():
            _add(rest, tenant if tenant in shown else OTHERS, size, versions)
        named = [bucket for _, bucket in sorted(self._largest, key=lambda one: (-one[0], one[1].bucket))]
        return UsageTable([*named, *(BucketFigures(tenant, OTHERS, *sums) for tenant, sums in rest.items())], tenants)


def _add(sums: defaultdict[str, tuple[int, int]], tenant: str, size: int, versions: int) -> None:
    old_size, old_versions = sums[tenant]
    sums[tenant] = (old_size + size, old_versions + versions)


def write_table(directory: Path, table: UsageTable) -> None:
    """Whoever reads meanwhile sees the old or the new table. One process of a node writes."""
    fresh = directory / f".{_FILE_NAME}"
    fresh.write_text(json.dumps(table), encoding="utf-8")
    fresh.replace(directory / _FILE_NAME)


def read_table(directory: Path) -> UsageTable:
    """`NO_USAGE` where none was written yet, or not for long."""
    try:
        with (directory / _FILE_NAME).open(encoding="utf-8") as file:
            if time.time() - os.fstat(file.fileno()).st_mtime > STALE_AFTER_SECONDS:
                return NO_USAGE
            buckets, tenants = json.load(file)
    except FileNotFoundError:
        return NO_USAGE
    return UsageTable([BucketFigures(*row) for row in buckets], [TenantFigures(*row) for row in tenants])
