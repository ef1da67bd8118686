"""Tenants: making, limiting, switching off and on, deleting."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from control.models import Tenant
from control.models.tenant import DEFAULT_BUCKET_LIMIT
from control.naming import validate_name
from control.services import audit
from control.services.announcements import Changed, announce
from control.services.constraints import broken_constraint
from control.services.origin import Origin
from dataplane.errors import AlreadyExists, InUse, InvalidArgument, NoSuchResource

BUCKET_LIMIT_CEILING = 1_000_000
"""Above it, counting a tenant's buckets at each creation would be felt."""

_AUDITED = ("name", "enabled", "bucket_limit")


def create(name: str, *, origin: Origin, bucket_limit: int = DEFAULT_BUCKET_LIMIT) -> Tenant:
    validate_name(name, argument="tenant name")
    _validate_bucket_limit(bucket_limit)
    try:
        with transaction.atomic():
            tenant = Tenant.objects.create(name=name, bucket_limit=bucket_limit)
            audit.record(origin, "tenant.create", name, tenant=name, after=audit.snapshot(tenant, *_AUDITED))
    except IntegrityError as error:
        if broken_constraint(error) == "tenant_name_unique":
            raise AlreadyExists("tenant", name) from error
        raise
    return tenant


def update(tenant: Tenant, *, origin: Origin, enabled: bool | None = None, bucket_limit: int | None = None) -> Tenant:
    """Sets what is given. A disabled tenant's credentials are refused everywhere within a second."""
    if bucket_limit is not None:
        _validate_bucket_limit(bucket_limit)
    with transaction.atomic():
        row = _locked(tenant)
        before = audit.snapshot(row, *_AUDITED)
        if enabled is not None:
            row.enabled = enabled
        if bucket_limit is not None:
            row.bucket_limit = bucket_limit
        after = audit.snapshot(row, *_AUDITED)
        if after != before:
            row.save(update_fields=["enabled", "bucket_limit"])
            audit.record(origin, "tenant.update", row.name, tenant=row.name, before=before, after=after)
            announce(Changed.TENANT, row.pk)
    return row


def delete(tenant: Tenant, *, origin: Origin) -> None:
    """Raises `InUse` while it has apps or buckets: nothing is deleted by accident."""
    with transaction.atomic():
        row = _locked(tenant)
        apps, buckets = row.apps.count(), row.buckets.count()
        if apps or buckets:
            raise InUse("tenant", row.name, f"{apps} apps and {buckets} buckets")
        before = audit.snapshot(row, *_AUDITED)
        tenant_id = row.pk
        row.delete()
        audit.record(origin, "tenant.delete", tenant.name, tenant=tenant.name, before=before)
        announce(Changed.TENANT, tenant_id)


def _locked(tenant: Tenant) -> Tenant:
    """Locked against new apps and buckets too: their foreign keys need the row."""
    row = Tenant.objects.select_for_update().filter(pk=tenant.pk).first()
    if row is None:
        raise NoSuchResource("tenant", tenant.name)
    return row


def _validate_bucket_limit(bucket_limit: int) -> None:
    if not 0 <= bucket_limit <= BUCKET_LIMIT_CEILING:
        raise InvalidArgument("bucket limit", bucket_limit, f"0 to {BUCKET_LIMIT_CEILING} are allowed.")
