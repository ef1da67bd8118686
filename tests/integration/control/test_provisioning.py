"""What a first start makes, once; and how nodes and stores register."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from control.models import AdminUser, App, AuditEntry, Credential, Node, Region, Role, Store, Tenant
from control.services import apps, regions, tenants
from control.services.credentials import open_secret
from control.services.nodes import STORE_NUMBER_LIMIT, register_node, register_store, stores_of
from control.services.origin import Origin
from control.services.provisioning import FirstSecrets, Provisioned, new_first_secrets, provision_defaults
from dataplane.contracts import StoreRecord
from dataplane.crypto.keys import KeyRing
from dataplane.errors import InvalidArgument, NoSuchResource, QuotaExceeded

pytestmark = pytest.mark.usefixtures("control_databases")


def provision(key_ring: KeyRing, origin: Origin, first_secrets: FirstSecrets | None = None) -> Provisioned:
    return provision_defaults(region="us-east-1", key_ring=key_ring, origin=origin, first_secrets=first_secrets)


def test_a_first_start_makes_everything_needed_and_tells_the_secrets(key_ring: KeyRing, origin: Origin) -> None:
    made = provision(key_ring, origin)
    assert made.region_created
    assert Region.objects.get().name == "us-east-1"
    app = App.objects.get()
    assert str(app) == "default/root"
    assert [(grant.action, grant.resource) for grant in app.grants.all()] == [("*", "*")]
    row = Credential.objects.get()
    assert row.access_key == made.client_id
    assert open_secret(row, key_ring=key_ring) == made.client_secret
    user = AdminUser.objects.get()
    assert (user.username, user.role, user.is_superuser, user.is_staff) == ("admin", "SuperAdmin", True, True)
    assert made.admin_password is not None
    assert user.check_password(made.admin_password)
    assert str(made.client_secret) not in repr(made)
    assert made.admin_password not in repr(made)


def test_a_second_start_changes_nothing_and_tells_nothing(key_ring: KeyRing, origin: Origin) -> None:
    provision(key_ring, origin)
    count = AuditEntry.objects.count()
    assert provision(key_ring, origin) == Provisioned(False, None, None, None, None)
    assert AuditEntry.objects.count() == count


def test_secrets_that_are_on_disk_already_are_used(key_ring: KeyRing, origin: Origin) -> None:
    first_secrets = new_first_secrets()
    made = provision(key_ring, origin, first_secrets)
    assert made.client_id == first_secrets.client_id
    assert open_secret(Credential.objects.get(), key_ring=key_ring) == first_secrets.client_secret
    assert AdminUser.objects.get().check_password(first_secrets.admin_password)


def test_deleted_defaults_do_not_come_back(key_ring: KeyRing, origin: Origin) -> None:
    provision(key_ring, origin)
    tenants.create("acme", origin=origin)
    apps.delete(App.objects.get(), origin=origin)
    tenants.delete(Tenant.objects.get(name="default"), origin=origin)
    assert provision(key_ring, origin).client_id is None
    assert not App.objects.exists()


def test_nodes_that_start_together_provision_once(key_ring: KeyRing, origin: Origin) -> None:
    def start(_: int) -> Provisioned:
        try:
            return provision(key_ring, origin)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(start, range(4)))
    assert len([outcome for outcome in outcomes if outcome.client_id]) == 1
    assert Credential.objects.count() == AdminUser.objects.count() == Tenant.objects.count() == 1


def test_a_node_registers_and_says_what_changed(region: Region, origin: Origin) -> None:
    node = register_node("node-1", region=region.name, origin=origin, cell="rack-1", hostname="a", version="0.1.0")
    assert (node.cell.name if node.cell else None) == "rack-1"
    count = AuditEntry.objects.count()
    again = register_node("node-1", region=region.name, origin=origin, cell="rack-1", hostname="a", version="0.1.0")
    assert AuditEntry.objects.count() == count, "a restart is no change"
    assert again.started_at > node.started_at
    register_node("node-1", region=region.name, origin=origin, cell="rack-1", hostname="a", version="0.2.0")
    entry = AuditEntry.objects.order_by("-pk")[0]
    assert entry.action == "node.update"
    assert entry.before is not None
    assert entry.after is not None
    assert (entry.before["version"], entry.after["version"]) == ("0.1.0", "0.2.0")
    assert Node.objects.count() == 1


def test_a_node_stays_in_its_region(region: Region, origin: Origin) -> None:
    register_node("node-1", region=region.name, origin=origin)
    regions.create("eu-west-1", origin=origin)
    with pytest.raises(InvalidArgument, match="cannot change its region"):
        register_node("node-1", region="eu-west-1", origin=origin)
    with pytest.raises(NoSuchResource, match="'ap-south-1'"):
        register_node("node-1", region="ap-south-1", origin=origin)


def test_a_store_keeps_its_number_also_on_another_node(region: Region, origin: Origin) -> None:
    first = register_node("node-1", region=region.name, origin=origin)
    second = register_node("node-2", region=region.name, origin=origin)
    assert register_store("store-a", node=first, origin=origin, capacity_bytes=2**41) == 1
    assert register_store("store-b", node=second, origin=origin) == 2
    assert register_store("store-a", node=second, origin=origin, capacity_bytes=2**40) == 1
    assert AuditEntry.objects.filter(action="store.move").count() == 1
    assert stores_of(region.name) == [
        StoreRecord(number=1, id="store-a", node_id="node-2", weight=1.0),
        StoreRecord(number=2, id="store-b", node_id="node-2", weight=1.0),
    ]


def test_store_numbers_count_within_a_region_and_are_never_used_twice(region: Region, origin: Origin) -> None:
    regions.create("eu-west-1", origin=origin)
    here = register_node("node-1", region=region.name, origin=origin)
    there = register_node("node-2", region="eu-west-1", origin=origin)
    assert register_store("store-a", node=here, origin=origin) == 1
    assert register_store("store-b", node=there, origin=origin) == 1
    Store.objects.filter(store_id="store-a").delete()
    assert register_store("store-c", node=here, origin=origin) == 2
    with pytest.raises(InvalidArgument, match="holds data of the region 'eu-west-1'"):
        register_store("store-b", node=here, origin=origin)
    Region.objects.filter(pk=region.pk).update(next_store_number=STORE_NUMBER_LIMIT)
    assert register_store("store-d", node=here, origin=origin) == STORE_NUMBER_LIMIT
    with pytest.raises(QuotaExceeded):
        register_store("store-e", node=here, origin=origin)


def test_stores_that_register_together_get_numbers_of_their_own(region: Region, origin: Origin) -> None:
    node = register_node("node-1", region=region.name, origin=origin)

    def register(number: int) -> int:
        try:
            return register_store(f"store-{number}", node=node, origin=origin)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(register, range(6))) == [1, 2, 3, 4, 5, 6]


def test_roles_are_the_documented_ones() -> None:
    assert [role.value for role in Role] == ["SuperAdmin", "ReadOnlyViewer"]
