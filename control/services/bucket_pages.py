"""All buckets of a region, page by page, with the names that people know them by."""

from __future__ import annotations

from typing import NamedTuple

from control.models import Bucket, BucketPhase


class NamedBucket(NamedTuple):
    id: int
    name: str
    tenant: str


def page_after(bucket_id: int, *, region: str, limit: int) -> list[NamedBucket]:
    """Those with the next greater ids, in their order; one that is only just being created is nobody's yet."""
    rows = (
        Bucket.objects.filter(pk__gt=bucket_id, region__name=region)
        .exclude(state=BucketPhase.CREATING)
        .order_by("pk")
        .values_list("pk", "name", "tenant__name")
    )
    return [NamedBucket(*row) for row in rows[:limit]]
