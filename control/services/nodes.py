"""Nodes and stores as they register at their start. Whether they live is gossip's business."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from control.models import Cell, Node, Region, Store
from control.naming import validate_region_name
from control.services import audit
from control.services.lookup import region_named
from control.services.origin import Origin
from dataplane.contracts import StoreRecord
from dataplane.errors import InvalidArgument, NoSuchResource, QuotaExceeded

STORE_NUMBER_LIMIT = 32_767
"""Blob rows keep store numbers as smallint."""

_NODE_AUDITED = ("node_id", "hostname", "api_address", "version")
_STORE_AUDITED = ("store_id", "number", "weight", "capacity_bytes", "read_only")


def register_node(
    node_id: str,
    *,
    region: str,
    origin: Origin,
    cell: str = "",
    hostname: str = "",
    api_address: str = "",
    version: str = "",
) -> Node:
    """Makes the node known, or refreshes what it says of itself. The region must exist, the cell is made.

    Audited where something but the start time changed, so that a restart leaves no row.
    """
    if not 1 <= len(node_id) <= 64:
        raise InvalidArgument("node id", node_id, "1 to 64 characters are allowed.")
    home = region_named(region)
    said = {"hostname": hostname[:255], "api_address": api_address[:255], "version": version[:64]}
    with transaction.atomic():
        place = _cell(home, cell, origin) if cell else None
        node, created = Node.objects.get_or_create(node_id=node_id, defaults={"region": home, "cell": place, **said})
        if not created:
            node = Node.objects.select_for_update().get(pk=node.pk)
        if node.region_id != home.pk:
            raise InvalidArgument(
                "region",
                region,
                f"the node {node_id} belongs to {node.region.name!r}; a node cannot change its region.",
            )
        before = None if created else _node_snapshot(node)
        node.cell = place
        for field, value in said.items():
            setattr(node, field, value)
        node.started_at = Now()
        node.save(update_fields=["cell", *said, "started_at"])
        after = _node_snapshot(node)
        if after != before:
            action = "node.register" if created else "node.update"
            audit.record(origin, action, node_id, before=before, after=after)
    node.refresh_from_db()
    return node


def register_store(
    store_id: str, *, node: Node, origin: Origin, capacity_bytes: int = 0, weight: float | None = None
) -> int:
    """The store's number in its region: the same for ever, also when the drive has moved to another node.

    The weight is the capacity in TiB unless given. Raises `InvalidArgument` for a store of another region.
    """
    if not 1 <= len(store_id) <= 64:
        raise InvalidArgument("store id", store_id, "1 to 64 characters are allowed.")
    if weight is None:
        weight = capacity_bytes / 2**40 if capacity_bytes > 0 else 1.0
    if weight <= 0:
        raise InvalidArgument("weight", weight, "it must be more than 0; a store is emptied by draining it.")
    with transaction.atomic():
        # Serialises numbering within the region.
        region = Region.objects.select_for_update(no_key=True).filter(pk=node.region_id).first()
        if region is None:
            raise NoSuchResource("region", str(node.region_id))
        store = Store.objects.select_related("region").filter(store_id=store_id).first()
        if store is None:
            store = Store.objects.create(
                store_id=store_id,
                region=region,
                number=_next_number(region),
                node=node,
                weight=weight,
                capacity_bytes=capacity_bytes,
            )
            audit.record(origin, "store.register", store_id, after=_store_snapshot(store))
            return store.number
        if store.region_id != region.pk:
            raise InvalidArgument(
                "store", store_id, f"it holds data of the region {store.region.name!r}; wipe it to use it elsewhere."
            )
        before = _store_snapshot(store)
        store.node, store.weight, store.capacity_bytes = node, weight, capacity_bytes
        store.save(update_fields=["node", "weight", "capacity_bytes"])
        after = _store_snapshot(store)
        if before["node"] != after["node"]:
            audit.record(origin, "store.move", store_id, before=before, after=after)
    return store.number


def stores_of(region: str) -> list[StoreRecord]:
    """All stores of a region by number; their paths are known to their nodes only."""
    rows = Store.objects.select_related("node").filter(region__name=region).order_by("number")
    return [
        StoreRecord(
            number=row.number,
            id=row.store_id,
            node_id=row.node.node_id,
            weight=row.weight,
            read_only=row.read_only,
        )
        for row in rows
    ]


def _next_number(region: Region) -> int:
    number = region.next_store_number
    if number > STORE_NUMBER_LIMIT:
        raise QuotaExceeded("The number of stores a region ever had", STORE_NUMBER_LIMIT)
    Region.objects.filter(pk=region.pk).update(next_store_number=F("next_store_number") + 1)
    return number


def _cell(region: Region, name: str, origin: Origin) -> Cell:
    validate_region_name(name, argument="cell")
    cell, created = Cell.objects.get_or_create(region=region, name=name)
    if created:
        audit.record(origin, "cell.create", f"{region.name}/{name}", after={"name": name, "region": region.name})
    return cell


def _node_snapshot(node: Node) -> dict[str, object]:
    return {
        **audit.snapshot(node, *_NODE_AUDITED),
        "region": node.region.name,
        "cell": node.cell.name if node.cell else "",
    }


def _store_snapshot(store: Store) -> dict[str, object]:
    return {**audit.snapshot(store, *_STORE_AUDITED), "node": store.node.node_id}
