"""Buckets, and what they hold as far as this node's region knows."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from control.admin.base import ConsoleAdmin, ServiceForm
from control.deployment import installed
from control.models import Bucket
from control.services import buckets
from control.services.origin import Origin
from dataplane.metadata.models import BucketUsageRow

logger = logging.getLogger(__name__)


class BucketAddForm(ServiceForm):
    class Meta:
        model = Bucket
        fields = ["name", "tenant", "region"]

    def create(self, given: dict[str, Any], origin: Origin) -> Bucket:
        return buckets.create(
            given["name"],
            tenant_id=given["tenant"].pk,
            region=given["region"].name,
            object_lock=False,
            origin=origin,
            regional=installed().regional,
        )


class BucketChangeForm(ServiceForm):
    class Meta:
        model = Bucket
        fields = ["public_read"]

    def change(self, row: Bucket, given: dict[str, Any], origin: Origin) -> Bucket:
        return buckets.set_public_access(row, allowed=given["public_read"], origin=origin)


@admin.register(Bucket)
class BucketAdmin(ConsoleAdmin):
    list_display = ("name", "tenant", "region", "versions", "size", "public_read", "state", "created_at")
    list_filter = ("public_read", "state", "region", "tenant")
    list_select_related = ("tenant", "region")
    search_fields = ("name", "tenant__name")
    readonly_fields = (
        "name", "tenant", "region", "versions", "size", "public_read", "object_lock", "state", "generation",
        "created_at",
    )  # fmt: skip
    add_form_class = BucketAddForm
    change_form_class = BucketChangeForm
    removable = True

    def remove(self, row: Bucket, origin: Origin) -> None:
        buckets.delete(row, origin=origin, regional=installed().regional)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        listing = super().get_changelist_instance(request)
        listing.result_list = list(listing.result_list)
        _learn_usage(listing.result_list)
        return listing

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Bucket | None:
        row: Bucket | None = super().get_object(request, object_id, from_field)
        if row is not None:
            _learn_usage([row])
        return row

    @admin.display(description="Versions")
    def versions(self, row: Bucket) -> int | None:
        usage = _usage_of(row)
        return None if usage is None else usage.versions

    @admin.display(description="Size")
    def size(self, row: Bucket) -> str | None:
        usage = _usage_of(row)
        return None if usage is None else filesizeformat(usage.bytes)


def _learn_usage(rows: Iterable[Bucket]) -> None:
    """Asks the region once for all of them. Buckets of other regions, whose databases are elsewhere, learn nothing."""
    ours = {row.pk: row for row in rows if row.region.name == installed().regional.region}
    try:
        held = BucketUsageRow.objects.in_bulk(list(ours))
    except (DatabaseError, InterfaceError):
        logger.warning("What buckets hold cannot be shown: the regional database does not answer", exc_info=True)
        return
    for bucket_id, row in ours.items():
        row.usage = held.get(bucket_id) or BucketUsageRow(bucket_id=bucket_id, versions=0, bytes=0)  # type: ignore[attr-defined]


def _usage_of(row: Bucket) -> BucketUsageRow | None:
    return getattr(row, "usage", None)
