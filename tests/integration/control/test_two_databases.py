"""Buckets over the real global and the real regional database together."""

from __future__ import annotations

import pytest

from control.models import Bucket, Region, Tenant
from control.services import bucket_phases, buckets
from control.services.bucket_phases import RegionalSide
from control.services.origin import Origin
from dataplane.contracts import Versioning
from dataplane.errors import BucketNotEmpty, OperationAborted
from dataplane.metadata.bucket_states import RegionalBucketStates
from dataplane.metadata.models import BucketStateRow, ObjectVersionRow, UploadRow


@pytest.fixture
def regional() -> RegionalSide:
    return RegionalSide("us-east-1", RegionalBucketStates())


def create(tenant: Tenant, regional: RegionalSide, origin: Origin, *, object_lock: bool = False) -> Bucket:
    return buckets.create(
        "photos", tenant_id=tenant.pk, region="us-east-1", object_lock=object_lock, origin=origin, regional=regional
    )


@pytest.mark.usefixtures("region")
def test_a_bucket_lives_and_dies_in_both(tenant: Tenant, regional: RegionalSide, origin: Origin) -> None:
    bucket = create(tenant, regional, origin, object_lock=True)
    state = BucketStateRow.objects.get()
    assert (state.bucket_id, state.versioning, state.object_lock, state.deleted) == (
        bucket.pk,
        Versioning.ENABLED,
        True,
        False,
    )
    UploadRow.objects.create(bucket_id=bucket.pk, key="holiday.jpg", upload_id="u1", owner="acme")
    version = ObjectVersionRow.objects.create(bucket_id=bucket.pk, key="holiday.jpg", change=1, delete_marker=True)
    with pytest.raises(BucketNotEmpty):
        buckets.delete(bucket, origin=origin, regional=regional)
    assert not BucketStateRow.objects.get().deleted
    assert UploadRow.objects.exists()
    version.delete()
    buckets.delete(bucket, origin=origin, regional=regional)
    assert not UploadRow.objects.exists(), "as in S3, uploads in progress do not keep a bucket; they are aborted"
    assert not Bucket.objects.exists()
    assert BucketStateRow.objects.get().deleted

    again = create(tenant, regional, origin)
    assert again.pk != bucket.pk
    assert not BucketStateRow.objects.get(bucket_id=again.pk).deleted


def test_a_creation_overtaken_by_a_deletion_leaves_nothing_writable(
    region: Region, tenant: Tenant, regional: RegionalSide, origin: Origin
) -> None:
    half_made = bucket_phases.claim("photos", tenant_id=tenant.pk, region=region.name, object_lock=False, origin=origin)
    buckets.delete(half_made, origin=origin, regional=regional)
    with pytest.raises(OperationAborted):
        bucket_phases.make_ready(half_made, regional=regional)
    assert BucketStateRow.objects.get().deleted
