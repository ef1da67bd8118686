"""Buckets."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from control.admin.base import ConsoleAdmin, ServiceForm
from control.deployment import installed
from control.models import Bucket
from control.services import buckets
from control.services.origin import Origin


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
    list_display = ("name", "tenant", "region", "public_read", "state", "created_at")
    list_filter = ("public_read", "state", "region", "tenant")
    list_select_related = ("tenant", "region")
    search_fields = ("name", "tenant__name")
    readonly_fields = (
        "name", "tenant", "region", "public_read", "object_lock", "state", "generation", "created_at",
    )  # fmt: skip
    add_form_class = BucketAddForm
    change_form_class = BucketChangeForm
    removable = True

    def remove(self, row: Bucket, origin: Origin) -> None:
        buckets.delete(row, origin=origin, regional=installed().regional)
