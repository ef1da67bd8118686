"""Regions, and the cells, nodes and stores in them, which register themselves."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.template.defaultfilters import filesizeformat

from control.admin.base import ConsoleAdmin, ServiceForm
from control.models import Cell, Node, Region, Store
from control.services import regions
from control.services.origin import Origin


class RegionAddForm(ServiceForm):
    class Meta:
        model = Region
        fields = ["name"]

    def create(self, given: dict[str, Any], origin: Origin) -> Region:
        return regions.create(given["name"], origin=origin)


@admin.register(Region)
class RegionAdmin(ConsoleAdmin):
    list_display = ("name", "created_at")
    search_fields = ("name",)
    readonly_fields = ("name", "created_at")
    add_form_class = RegionAddForm
    removable = True

    def remove(self, row: Region, origin: Origin) -> None:
        regions.delete(row, origin=origin)


@admin.register(Cell)
class CellAdmin(ConsoleAdmin):
    list_display = ("name", "region", "created_at")
    list_filter = ("region",)
    list_select_related = ("region",)
    readonly_fields = ("name", "region", "created_at")


@admin.register(Node)
class NodeAdmin(ConsoleAdmin):
    list_display = ("node_id", "hostname", "region", "cell", "api_address", "version", "started_at")
    list_filter = ("region",)
    list_select_related = ("region", "cell")
    search_fields = ("node_id", "hostname")
    readonly_fields = ("node_id", "hostname", "region", "cell", "api_address", "version", "started_at", "created_at")


@admin.register(Store)
class StoreAdmin(ConsoleAdmin):
    list_display = ("number", "store_id", "region", "node", "capacity", "weight", "read_only")
    list_filter = ("region", "read_only")
    list_select_related = ("region", "node")
    readonly_fields = ("number", "store_id", "region", "node", "capacity", "weight", "read_only", "created_at")

    @admin.display(description="Capacity", ordering="capacity_bytes")
    def capacity(self, store: Store) -> str:
        return filesizeformat(store.capacity_bytes) if store.capacity_bytes else "unknown"
