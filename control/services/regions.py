"""Regions: made before their first node starts, removed after their last one is gone."""

from __future__ import annotations

from django.db import transaction
from django.db.models import ProtectedError

from control.models import Region
from control.naming import validate_region_name
from control.services import audit
from control.services.origin import Origin
from dataplane.errors import AlreadyExists, InUse, NoSuchResource

_AUDITED = ("name",)


def ensure(name: str, *, origin: Origin) -> tuple[Region, bool]:
    """The region of that name and whether it was made now."""
    validate_region_name(name)
    with transaction.atomic():
        region, created = Region.objects.get_or_create(name=name)
        if created:
            audit.record(origin, "region.create", name, after=audit.snapshot(region, *_AUDITED))
    return region, created


def create(name: str, *, origin: Origin) -> Region:
    region, created = ensure(name, origin=origin)
    if not created:
        raise AlreadyExists("region", name)
    return region


def delete(region: Region, *, origin: Origin) -> None:
    """Raises `InUse` while buckets, nodes, stores or cells belong to it."""
    with transaction.atomic():
        locked = Region.objects.select_for_update().filter(pk=region.pk).first()
        if locked is None:
            raise NoSuchResource("region", region.name)
        try:
            locked.delete()
        except ProtectedError as error:
            raise InUse("region", region.name, _count_kinds(error)) from error
        audit.record(origin, "region.delete", region.name, before=audit.snapshot(region, *_AUDITED))


def _count_kinds(error: ProtectedError) -> str:
    kinds = sorted({str(row._meta.verbose_name_plural) for row in error.protected_objects})
    return ", ".join(kinds)
