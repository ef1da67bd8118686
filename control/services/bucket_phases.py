"""The steps of a bucket's birth and death across the two databases; each may be repeated after a crash.

    birth   claim (name, phase `creating`, an outbox row) -> regional state -> publish (phase `ready`, row gone)
    death   intent (phase `deleting`, an outbox row) -> retire in the region -> bucket and row gone, or
            `ready` again where the region says: not empty

The region alone knows whether a bucket is empty, so a bucket that is being deleted stays visible until the region
has said so; from then on every statement of the data plane refuses it, whatever a cache says. Each deletion has an
outbox row of its own: one that was refused must not take back another that succeeded. And only a deletion's own
request, or the outbox after it, asks the region to retire: a refused deletion must not come true later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from control.models import Bucket, BucketPhase, OutboxEntry, OutboxKind, Region, Tenant
from control.services import audit
from control.services.announcements import Changed, announce
from control.services.origin import Origin
from dataplane.contracts import Versioning
from dataplane.errors import (
    InvalidArgument,
    NoSuchBucket,
    NoSuchResource,
    OperationAborted,
    TooManyBuckets,
)
from dataplane.ports import RegionalBuckets

OUTBOX_GRACE = timedelta(seconds=30)
"""How long a row is left to the request that wrote it: longer than such a request may take."""

AUDITED = ("name", "public_read", "object_lock")


@dataclass(frozen=True, slots=True)
class RegionalSide:
    """The one region whose database this process reaches."""

    region: str
    buckets: RegionalBuckets

    def require(self, region: str) -> None:
        if region != self.region:
            raise InvalidArgument(
                "region", region, f"this node serves the region {self.region!r}; ask a node of {region!r}."
            )


def claim(name: str, *, tenant_id: int, region: str, object_lock: bool, origin: Origin) -> Bucket:
    """Takes the global name. Raises `TooManyBuckets`; IntegrityError on `bucket_name_unique` where it is taken."""
    with transaction.atomic():
        tenant = Tenant.objects.select_for_update(no_key=True).filter(pk=tenant_id).first()
        if tenant is None:
            raise NoSuchResource("tenant", str(tenant_id))
        home = Region.objects.filter(name=region).first()
        if home is None:
            raise InvalidArgument("region", region, "there is no such region; create it first.")
        if tenant.buckets.count() >= tenant.bucket_limit:
            raise TooManyBuckets(tenant.bucket_limit)
        bucket = Bucket.objects.create(name=name, tenant=tenant, region=home, object_lock=object_lock)
        _promise(OutboxKind.ENSURE_BUCKET, bucket, origin)
        _record(origin, "bucket.create", bucket, after=audit.snapshot(bucket, *AUDITED))
    return bucket


def make_ready(bucket: Bucket, *, regional: RegionalSide) -> Bucket:
    """Makes the regional state, then shows the bucket. Does no harm to one that is ready already."""
    regional.buckets.ensure(
        bucket.pk,
        versioning=Versioning.ENABLED if bucket.object_lock else Versioning.UNVERSIONED,
        object_lock=bucket.object_lock,
    )
    with transaction.atomic():
        row = _locked(bucket.pk)
        if row is not None:
            row.outbox_entries.filter(kind=OutboxKind.ENSURE_BUCKET).delete()
            if row.state == BucketPhase.CREATING:
                row.state = BucketPhase.READY
                row.save(update_fields=["state"])
                announce(Changed.BUCKET, row.name)
    if row is None:
        # Created, published and deleted by others meanwhile: the state made above belongs to nobody.
        regional.buckets.retire(bucket.pk)
        raise OperationAborted(f"the bucket {bucket.name!r}")
    return row


def begin_delete(bucket: Bucket, *, origin: Origin) -> OutboxEntry:
    with transaction.atomic():
        row = _locked(bucket.pk)
        if row is None:
            raise NoSuchBucket(bucket.name)
        if row.state != BucketPhase.DELETING:
            row.state = BucketPhase.DELETING
            row.save(update_fields=["state"])
        return _promise(OutboxKind.RETIRE_BUCKET, row, origin)


def finish_delete(entry: OutboxEntry, *, regional: RegionalSide) -> bool:
    """Whether the bucket is gone now. Where it is not empty, `entry` is withdrawn (others' stay: see above)."""
    is_empty = regional.buckets.retire(entry.bucket_id)
    with transaction.atomic():
        row = _locked(entry.bucket_id)
        if row is None:
            return True
        if is_empty:
            origin = Origin(entry.actor, entry.reason, entry.request_id)
            _record(origin, "bucket.delete", row, before=audit.snapshot(row, *AUDITED))
            announce(Changed.BUCKET, row.name)
            row.delete()
            return True
        OutboxEntry.objects.filter(pk=entry.pk).delete()
        if not row.outbox_entries.filter(kind=OutboxKind.RETIRE_BUCKET).exists():
            row.state = BucketPhase.READY
            row.save(update_fields=["state"])
    return False


def locked(bucket: Bucket) -> Bucket:
    """The row, locked for a change of its configuration. Raises `NoSuchBucket`."""
    row = _locked(bucket.pk)
    if row is None or row.state == BucketPhase.CREATING:
        raise NoSuchBucket(bucket.name)
    return row


def _locked(bucket_id: int) -> Bucket | None:
    rows = Bucket.objects.select_for_update(of=("self",)).select_related("tenant", "region")
    return rows.filter(pk=bucket_id).first()


def _promise(kind: OutboxKind, bucket: Bucket, origin: Origin) -> OutboxEntry:
    return OutboxEntry.objects.create(
        kind=kind,
        bucket=bucket,
        actor=origin.actor[:255],
        reason=origin.reason,
        request_id=origin.request_id[:64],
        available_at=Now() + OUTBOX_GRACE,
    )


def _record(origin: Origin, action: str, bucket: Bucket, **states: dict[str, object]) -> None:
    for state in states.values():
        state["region"] = bucket.region.name
    audit.record(origin, action, bucket.name, tenant=bucket.tenant.name, **states)
