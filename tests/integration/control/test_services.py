"""Tenants, apps, credentials, grants, regions: what is written, what is refused, what the audit trail says."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction

from control.models import App, AuditEntry, Credential, Grant, Region, Tenant
from control.services import apps, audit, credentials, policies, regions, tenants
from control.services.announcements import Changed, announce
from control.services.bucket_phases import RegionalSide
from control.services.buckets import create as create_bucket
from control.services.credentials import IssuedCredential
from control.services.lookup import app_named
from control.services.nodes import register_node
from control.services.origin import Origin
from dataplane.crypto.keys import BrokenSeal, KeyRing
from dataplane.errors import AlreadyExists, InUse, InvalidArgument, NoSuchResource, QuotaExceeded
from tests.support.postgres import Databases


def last_audit() -> AuditEntry:
    return AuditEntry.objects.order_by("-pk")[0]


def test_a_tenant_is_made_once(tenant: Tenant, origin: Origin) -> None:
    assert tenant.enabled
    assert tenant.created_at is not None
    with pytest.raises(AlreadyExists, match="'acme'"):
        tenants.create("acme", origin=origin)
    assert Tenant.objects.count() == 1
    assert AuditEntry.objects.filter(action="tenant.create").count() == 1


def test_the_audit_trail_says_who_why_and_what(tenant: Tenant, origin: Origin) -> None:
    tenants.update(tenant, enabled=False, origin=origin)
    entry = last_audit()
    assert (entry.actor, entry.reason, entry.request_id) == ("user:alice", "because", "ticket-1")
    assert (entry.action, entry.target, entry.tenant) == ("tenant.update", "acme", "acme")
    assert entry.before == {"name": "acme", "enabled": True, "bucket_limit": 10_000}
    assert entry.after == {"name": "acme", "enabled": False, "bucket_limit": 10_000}


def test_an_update_that_changes_nothing_leaves_no_trace(tenant: Tenant, origin: Origin) -> None:
    count = AuditEntry.objects.count()
    tenants.update(tenant, enabled=True, bucket_limit=tenant.bucket_limit, origin=origin)
    assert AuditEntry.objects.count() == count


def test_audit_and_notices_need_the_transaction_of_their_change(control_databases: Databases, origin: Origin) -> None:
    with pytest.raises(RuntimeError, match="outside the transaction"):
        audit.record(origin, "tenant.create", "acme")
    with pytest.raises(RuntimeError, match="outside the transaction"):
        announce(Changed.TENANT, 1)


def test_a_change_that_fails_leaves_no_audit_row(tenant: Tenant, key_ring: KeyRing, origin: Origin) -> None:
    count = AuditEntry.objects.count()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        apps.create(tenant, "doomed", key_ring=key_ring, origin=origin)
        _ = 1 / 0
    assert AuditEntry.objects.count() == count
    assert not App.objects.exists()


def test_a_tenant_with_apps_or_buckets_is_not_deleted(
    tenant: Tenant, region: Region, regional: RegionalSide, key_ring: KeyRing, origin: Origin
) -> None:
    issued = apps.create(tenant, "uploader", key_ring=key_ring, origin=origin)
    create_bucket(
        "photos", tenant_id=tenant.pk, region=region.name, object_lock=False, origin=origin, regional=regional
    )
    with pytest.raises(InUse, match="1 apps and 1 buckets"):
        tenants.delete(tenant, origin=origin)
    apps.delete(issued.credential.app, origin=origin)
    with pytest.raises(InUse):
        tenants.delete(tenant, origin=origin)


def test_an_unused_tenant_is_deleted_and_its_trail_stays(tenant: Tenant, origin: Origin) -> None:
    tenants.delete(tenant, origin=origin)
    assert not Tenant.objects.exists()
    assert last_audit().action == "tenant.delete"
    assert last_audit().tenant == "acme"
    with pytest.raises(NoSuchResource):
        tenants.delete(tenant, origin=origin)


@pytest.mark.parametrize("limit", [-1, 1_000_001])
def test_a_bucket_limit_out_of_range_is_refused(tenant: Tenant, origin: Origin, limit: int) -> None:
    with pytest.raises(InvalidArgument, match="bucket limit"):
        tenants.update(tenant, bucket_limit=limit, origin=origin)


def test_an_app_gets_a_credential_that_opens_with_its_secret(issued: IssuedCredential, key_ring: KeyRing) -> None:
    row = Credential.objects.get(access_key=issued.access_key)
    assert issued.access_key.startswith("app_")
    assert len(issued.secret_key) == 64
    assert credentials.open_secret(row, key_ring=key_ring) == issued.secret_key
    assert issued.secret_key.encode() not in bytes(row.sealed_secret)


def test_a_sealed_secret_moved_to_another_row_does_not_open(
    app: App, issued: IssuedCredential, key_ring: KeyRing, origin: Origin
) -> None:
    other = credentials.issue(app, key_ring=key_ring, origin=origin).credential
    other.sealed_secret = issued.credential.sealed_secret
    other.save()
    with pytest.raises(BrokenSeal):
        credentials.open_secret(Credential.objects.get(pk=other.pk), key_ring=key_ring)


def test_app_names_are_unique_within_a_tenant_only(app: App, tenant: Tenant, key_ring: KeyRing, origin: Origin) -> None:
    with pytest.raises(AlreadyExists, match="acme/uploader"):
        apps.create(tenant, "uploader", key_ring=key_ring, origin=origin)
    assert app_named("uploader") == app
    other = tenants.create("globex", origin=origin)
    twin = apps.create(other, "uploader", key_ring=key_ring, origin=origin).credential.app
    with pytest.raises(InvalidArgument, match="several tenants"):
        app_named("uploader")
    assert app_named("uploader", tenant_name="globex") == twin
    with pytest.raises(NoSuchResource, match="globex/nobody"):
        app_named("nobody", tenant_name="globex")


def test_a_reset_secret_replaces_the_old_one_under_the_same_key(
    app: App, issued: IssuedCredential, key_ring: KeyRing, origin: Origin
) -> None:
    rotated_before = issued.credential.rotated_at
    again = apps.reset_secret(app, key_ring=key_ring, origin=origin)
    row = Credential.objects.get(access_key=issued.access_key)
    assert again.access_key == issued.access_key
    assert again.secret_key != issued.secret_key
    assert credentials.open_secret(row, key_ring=key_ring) == again.secret_key
    assert row.rotated_at > rotated_before
    assert again.credential.rotated_at == row.rotated_at


def test_a_reset_seals_under_the_current_key(
    app: App, issued: IssuedCredential, key_ring: KeyRing, origin: Origin
) -> None:
    rotated = KeyRing("k2", {"k1": b"1" * 32, "k2": b"2" * 32})
    assert credentials.open_secret(issued.credential, key_ring=rotated) == issued.secret_key
    apps.reset_secret(app, key_ring=rotated, origin=origin)
    assert Credential.objects.get().key_id == "k2"


def test_an_app_with_several_credentials_needs_one_named(
    app: App, issued: IssuedCredential, key_ring: KeyRing, origin: Origin
) -> None:
    second = credentials.issue(app, key_ring=key_ring, origin=origin)
    with pytest.raises(InvalidArgument, match="several credentials") as caught:
        apps.reset_secret(app, key_ring=key_ring, origin=origin)
    assert issued.access_key in str(caught.value)
    assert (
        apps.reset_secret(app, access_key=second.access_key, key_ring=key_ring, origin=origin).access_key
        == second.access_key
    )
    with pytest.raises(NoSuchResource):
        apps.reset_secret(app, access_key="app_nobody", key_ring=key_ring, origin=origin)


def test_credentials_of_an_app_are_bounded(app: App, key_ring: KeyRing, origin: Origin) -> None:
    for _ in range(credentials.CREDENTIALS_PER_APP_LIMIT - 1):
        credentials.issue(app, key_ring=key_ring, origin=origin)
    with pytest.raises(QuotaExceeded, match="limited to 10"):
        credentials.issue(app, key_ring=key_ring, origin=origin)


def test_credentials_are_switched_and_deleted(issued: IssuedCredential, origin: Origin) -> None:
    credentials.set_enabled(issued.credential, enabled=False, origin=origin)
    assert not Credential.objects.get().enabled
    assert last_audit().before == {"access_key": issued.access_key, "enabled": True, "key_id": "k1"}
    credentials.delete(issued.credential, origin=origin)
    assert not Credential.objects.exists()
    assert last_audit().target == f"acme/uploader/{issued.access_key}"
    with pytest.raises(NoSuchResource):
        credentials.set_enabled(issued.credential, enabled=True, origin=origin)


def test_no_secret_reaches_the_audit_trail_or_a_repr(
    app: App, issued: IssuedCredential, key_ring: KeyRing, origin: Origin
) -> None:
    again = apps.reset_secret(app, key_ring=key_ring, origin=origin)
    apps.delete(app, origin=origin)
    trail = json.dumps(list(AuditEntry.objects.values("target", "before", "after", "reason")))
    for secret in (issued.secret_key, again.secret_key):
        assert secret not in trail
        assert secret not in repr(issued) + repr(again)
    assert issued.access_key in trail


def test_a_grant_is_given_once_and_taken_exactly(app: App, origin: Origin) -> None:
    first, created = policies.grant(app, action="object:read", resource="photos/*", origin=origin)
    again, created_again = policies.grant(app, action="object:read", resource="photos/*", origin=origin)
    assert (created, created_again) == (True, False)
    assert first == again
    assert AuditEntry.objects.filter(action="policy.grant").count() == 1
    with pytest.raises(NoSuchResource, match=r"object:read on photos of acme/uploader"):
        policies.revoke(app, action="object:read", resource="photos", origin=origin)
    policies.revoke(app, action="object:read", resource="photos/*", origin=origin)
    assert not Grant.objects.exists()
    assert last_audit().before == {"action": "object:read", "resource": "photos/*"}


def test_grants_of_an_app_are_bounded(app: App, origin: Origin) -> None:
    Grant.objects.bulk_create(
        Grant(app=app, action="object:read", resource=f"bucket-{number}")
        for number in range(policies.GRANTS_PER_APP_LIMIT)
    )
    with pytest.raises(QuotaExceeded, match="limited to 1000"):
        policies.grant(app, action="*", resource="*", origin=origin)


def test_a_deleted_app_takes_credentials_and_grants_along_and_says_so(
    app: App, issued: IssuedCredential, origin: Origin
) -> None:
    policies.grant(app, action="object:read", resource="photos", origin=origin)
    apps.delete(app, origin=origin)
    assert not Credential.objects.exists()
    assert not Grant.objects.exists()
    assert last_audit().before == {
        "name": "uploader",
        "enabled": True,
        "access_keys": [issued.access_key],
        "grants": ["object:read on photos"],
    }


def test_a_region_is_ensured_and_deleted_only_when_nothing_belongs_to_it(region: Region, origin: Origin) -> None:
    assert regions.ensure(region.name, origin=origin) == (region, False)
    with pytest.raises(AlreadyExists):
        regions.create(region.name, origin=origin)
    node = register_node("node-1", region=region.name, origin=origin)
    with pytest.raises(InUse, match="nodes"):
        regions.delete(region, origin=origin)
    node.delete()
    regions.delete(region, origin=origin)
    assert not Region.objects.exists()


def test_two_who_make_the_same_tenant_get_one_and_a_refusal(control_databases: Databases, origin: Origin) -> None:
    def make(_: int) -> str:
        try:
            tenants.create("acme", origin=origin)
        except AlreadyExists:
            return "refused"
        finally:
            connections.close_all()
        return "made"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(make, range(4))) == ["made", "refused", "refused", "refused"]


def test_a_reason_that_is_too_long_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="at most 1000"):
        Origin("user:alice", reason="x" * 1_001)
