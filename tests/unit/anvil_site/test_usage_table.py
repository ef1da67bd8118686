"""The table of usage: bounded, whole, gone when nobody writes it any more."""

from __future__ import annotations

import os
import time
from pathlib import Path

from anvil_site.usage_table import (
    NO_USAGE,
    OTHERS,
    STALE_AFTER_SECONDS,
    BucketFigures,
    TenantFigures,
    UsageSummary,
    UsageTable,
    read_table,
    write_table,
)


def summed_up(buckets: list[BucketFigures], *, max_buckets: int = 10, max_tenants: int = 10) -> UsageTable:
    summary = UsageSummary(max_buckets=max_buckets, max_tenants=max_tenants)
    for bucket in buckets:
        summary.add(bucket)
    return summary.table()


def test_few_are_all_named_the_largest_first() -> None:
    small, large, empty = BucketFigures("a", "s", 1, 9), BucketFigures("b", "l", 8, 2), BucketFigures("a", "e", 0, 0)
    table = summed_up([small, large, empty])
    assert table == UsageTable([large, small, empty], [TenantFigures("b", 8), TenantFigures("a", 1)])
    assert summed_up([]) == NO_USAGE


def test_the_smaller_buckets_are_summed_up_for_their_tenants() -> None:
    buckets = [BucketFigures("a" if number % 2 else "b", f"bucket-{number}", number, 10) for number in range(100)]
    table = summed_up(buckets, max_buckets=3)
    assert [bucket.bucket for bucket in table.buckets[:3]] == ["bucket-99", "bucket-98", "bucket-97"]
    rest = {bucket.tenant: bucket for bucket in table.buckets[3:]}
    assert rest == {
        "a": BucketFigures("a", OTHERS, sum(range(1, 97, 2)), 480),
        "b": BucketFigures("b", OTHERS, sum(range(0, 98, 2)), 490),
    }
    assert dict(table.tenants) == {"a": sum(range(1, 100, 2)), "b": sum(range(0, 100, 2))}


def test_the_smaller_tenants_are_summed_up_and_nothing_is_lost() -> None:
    buckets = [BucketFigures(f"tenant-{number}", f"bucket-{number}", number, 1) for number in range(50)]
    table = summed_up(buckets, max_buckets=4, max_tenants=2)
    assert [one.tenant for one in table.tenants] == ["tenant-49", "tenant-48", OTHERS]
    assert table.buckets[4:] == [BucketFigures(OTHERS, OTHERS, sum(range(46)), 46)]
    assert sum(one.bytes for one in table.tenants) == sum(range(50)) == sum(one.bytes for one in table.buckets)
    assert sum(one.versions for one in table.buckets) == 50


def test_a_table_is_read_as_it_was_written_the_last_time(tmp_path: Path) -> None:
    assert read_table(tmp_path) == NO_USAGE
    for size in (1 << 60, 3):
        table = summed_up([BucketFigures("a", "photos", size, 2)])
        write_table(tmp_path, table)
        assert read_table(tmp_path) == table
    assert len(list(tmp_path.iterdir())) == 1


def test_a_stale_table_is_not_shown(tmp_path: Path) -> None:
    write_table(tmp_path, summed_up([BucketFigures("a", "photos", 1, 1)]))
    [path] = tmp_path.iterdir()
    for age_seconds, shown in ((STALE_AFTER_SECONDS - 60, True), (STALE_AFTER_SECONDS + 1, False)):
        os.utime(path, times=(time.time() - age_seconds,) * 2)
        assert (read_table(tmp_path) != NO_USAGE) is shown
