"""Buckets: creating and deleting over both databases, opening to the public. Idempotent after a crash."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from control.models import Bucket, BucketPhase
from control.naming import validate_bucket_name
from control.services import audit, bucket_phases
from control.services.announcements import Changed, announce
from control.services.bucket_phases import RegionalSide
from control.services.constraints import broken_constraint
from control.services.origin import Origin
from dataplane.errors import (
    BucketAlreadyExists,
    BucketAlreadyOwnedByYou,
    BucketNotEmpty,
    NoSuchBucket,
    OperationAborted,
)

CLAIM_ATTEMPTS = 3
"""A name may be freed and taken again by others between two looks; after that the caller tries again."""


def create(
    name: str, *, tenant_id: int, region: str, object_lock: bool, origin: Origin, regional: RegionalSide
) -> Bucket:
    """Claims the name and makes the bucket usable.

    Raises `InvalidBucketName`, `InvalidArgument` (region), `BucketAlreadyExists`, `BucketAlreadyOwnedByYou`,
    `TooManyBuckets`, and `OperationAborted` while an earlier deletion is not decided yet. A creation that a crash cut
    short is finished by the same request sent again, or by the outbox.
    """
    validate_bucket_name(name)
    regional.require(region)
    for _ in range(CLAIM_ATTEMPTS):
        holder = Bucket.objects.select_related("tenant", "region").filter(name=name).first()
        if holder is None:
            try:
                bucket = bucket_phases.claim(
                    name, tenant_id=tenant_id, region=region, object_lock=object_lock, origin=origin
                )
            except IntegrityError as error:
                if broken_constraint(error) == "bucket_name_unique":
                    continue
                raise
            return bucket_phases.make_ready(bucket, regional=regional)
        if holder.tenant_id != tenant_id:
            raise BucketAlreadyExists(name)
        if holder.state == BucketPhase.READY:
            raise BucketAlreadyOwnedByYou(name)
        if holder.state == BucketPhase.DELETING or holder.region.name != region or holder.object_lock != object_lock:
            break
        return bucket_phases.make_ready(holder, regional=regional)
    raise OperationAborted(f"the bucket {name!r}")


def delete(bucket: Bucket, *, origin: Origin, regional: RegionalSide) -> None:
    """Raises `BucketNotEmpty`, `NoSuchBucket`. Deleting what another request deletes meanwhile succeeds for both."""
    row = Bucket.objects.select_related("tenant", "region").filter(pk=bucket.pk).first()
    if row is None:
        raise NoSuchBucket(bucket.name)
    regional.require(row.region.name)
    if row.state == BucketPhase.CREATING:
        row = bucket_phases.make_ready(row, regional=regional)
    entry = bucket_phases.begin_delete(row, origin=origin)
    if not bucket_phases.finish_delete(entry, regional=regional):
        raise BucketNotEmpty(row.name)


def set_public_access(bucket: Bucket, *, allowed: bool, origin: Origin) -> Bucket:
    """Whether anyone may read the bucket's objects without signing."""
    with transaction.atomic():
        row = bucket_phases.locked(bucket)
        if row.public_read != allowed:
            before = audit.snapshot(row, "public_read")
            row.public_read = allowed
            row.generation += 1
            row.save(update_fields=["public_read", "generation"])
            audit.record(
                origin,
                "bucket.set_public_access",
                row.name,
                tenant=row.tenant.name,
                before=before,
                after=audit.snapshot(row, "public_read"),
            )
            announce(Changed.BUCKET, row.name)
    return row
