"""Tenants."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from control.admin.base import ConsoleAdmin, ServiceForm
from control.models import Tenant
from control.services import tenants
from control.services.origin import Origin


class TenantAddForm(ServiceForm):
    class Meta:
        model = Tenant
        fields = ["name", "bucket_limit"]

    def create(self, given: dict[str, Any], origin: Origin) -> Tenant:
        return tenants.create(given["name"], bucket_limit=given["bucket_limit"], origin=origin)


class TenantChangeForm(ServiceForm):
    class Meta:
        model = Tenant
        fields = ["enabled", "bucket_limit"]

    def change(self, row: Tenant, given: dict[str, Any], origin: Origin) -> Tenant:
        return tenants.update(row, enabled=given["enabled"], bucket_limit=given["bucket_limit"], origin=origin)


@admin.register(Tenant)
class TenantAdmin(ConsoleAdmin):
    list_display = ("name", "enabled", "bucket_limit", "created_at")
    list_filter = ("enabled",)
    search_fields = ("name",)
    readonly_fields = ("name", "enabled", "bucket_limit", "created_at")
    add_form_class = TenantAddForm
    change_form_class = TenantChangeForm
    removable = True

    def remove(self, row: Tenant, origin: Origin) -> None:
        tenants.delete(row, origin=origin)
