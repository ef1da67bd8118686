"""A bucket's life over two databases: every step may crash, and the bucket ends up whole or gone, never half."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.db.models.functions import Now

from control.models import AuditEntry, Bucket, BucketPhase, OutboxEntry, Region, Tenant
from control.services import bucket_phases, buckets, outbox, tenants
from control.services.bucket_phases import RegionalSide
from control.services.origin import Origin
from dataplane.contracts import Versioning
from dataplane.errors import (
    BucketAlreadyExists,
    BucketAlreadyOwnedByYou,
    BucketNotEmpty,
    InvalidArgument,
    InvalidBucketName,
    NoSuchBucket,
    NoSuchResource,
    OperationAborted,
    TooManyBuckets,
)
from tests.support.memory_regional_buckets import MemoryRegionalBuckets


class Crash(BaseException):
    """The process dies here: nothing that handles exceptions may see it."""


class Life:
    """Creates and deletes buckets of one tenant."""

    def __init__(self, tenant: Tenant, regional: RegionalSide, origin: Origin) -> None:
        self.tenant = tenant
        self.regional = regional
        self.origin = origin

    def create(self, name: str = "photos", *, tenant: Tenant | None = None, object_lock: bool = False) -> Bucket:
        return buckets.create(
            name,
            tenant_id=(tenant or self.tenant).pk,
            region=self.regional.region,
            object_lock=object_lock,
            origin=self.origin,
            regional=self.regional,
        )

    def delete(self, bucket: Bucket) -> None:
        buckets.delete(bucket, origin=self.origin, regional=self.regional)

    def drain_later(self) -> outbox.Drained:
        """The outbox's next round after the grace has passed."""
        OutboxEntry.objects.update(available_at=Now() - timedelta(seconds=1))
        return outbox.drain(regional=self.regional)


@pytest.fixture
def life(tenant: Tenant, region: Region, regional: RegionalSide, origin: Origin) -> Life:
    return Life(tenant, regional, origin)


@pytest.fixture
def globex(life: Life, origin: Origin) -> Tenant:
    return tenants.create("globex", origin=origin)


def crash(operation: str) -> None:
    raise Crash(operation)


def nothing(operation: str) -> None:
    return


def actions() -> list[str]:
    return list(AuditEntry.objects.filter(action__startswith="bucket.").order_by("pk").values_list("action", flat=True))


def test_a_created_bucket_is_ready_on_both_sides(life: Life, regional_buckets: MemoryRegionalBuckets) -> None:
    bucket = life.create()
    assert bucket.state == BucketPhase.READY
    assert regional_buckets.states == {bucket.pk: (Versioning.UNVERSIONED, False)}
    assert not OutboxEntry.objects.exists()
    entry = AuditEntry.objects.get(action="bucket.create")
    assert entry.after == {"name": "photos", "public_read": False, "object_lock": False, "region": "us-east-1"}


def test_object_lock_switches_versioning_on(life: Life, regional_buckets: MemoryRegionalBuckets) -> None:
    bucket = life.create(object_lock=True)
    assert regional_buckets.states == {bucket.pk: (Versioning.ENABLED, True)}


def test_a_name_is_taken_once_in_the_world(life: Life, globex: Tenant) -> None:
    life.create()
    with pytest.raises(BucketAlreadyOwnedByYou):
        life.create()
    with pytest.raises(BucketAlreadyExists):
        life.create(tenant=globex)


def test_a_bad_name_region_or_tenant_is_refused_before_anything_is_written(life: Life) -> None:
    with pytest.raises(InvalidBucketName):
        life.create("Photos")
    with pytest.raises(InvalidArgument, match="serves the region 'us-east-1'"):
        buckets.create(
            "photos",
            tenant_id=life.tenant.pk,
            region="eu-west-1",
            object_lock=False,
            origin=life.origin,
            regional=life.regional,
        )
    Tenant.objects.all().delete()
    with pytest.raises(NoSuchResource):
        life.create()
    assert not Bucket.objects.exists()


def test_a_region_that_was_never_made_is_named_in_the_refusal(life: Life) -> None:
    Region.objects.all().delete()
    with pytest.raises(InvalidArgument, match="there is no such region"):
        life.create()


def test_a_tenant_has_a_limit_of_buckets(life: Life) -> None:
    tenants.update(life.tenant, bucket_limit=1, origin=life.origin)
    bucket = life.create()
    with pytest.raises(TooManyBuckets, match="at most 1"):
        life.create("more-photos")
    life.delete(bucket)
    life.create("more-photos")


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("finisher", ["same request", "outbox"])
def test_a_crash_while_creating_is_finished_later(
    life: Life, globex: Tenant, regional_buckets: MemoryRegionalBuckets, side: str, finisher: str
) -> None:
    """Before the regional state: only the claim is there. After it: only the publication is missing."""
    setattr(regional_buckets, side, crash)
    with pytest.raises(Crash):
        life.create()
    claimed = Bucket.objects.get()
    assert claimed.state == BucketPhase.CREATING
    assert OutboxEntry.objects.get().bucket == claimed
    with pytest.raises(BucketAlreadyExists):
        life.create(tenant=globex)

    setattr(regional_buckets, side, nothing)
    if finisher == "same request":
        assert life.create().pk == claimed.pk
    else:
        assert outbox.drain(regional=life.regional) == outbox.Drained(0, 0), "within the grace it is left alone"
        assert life.drain_later() == outbox.Drained(1, 0)
    assert Bucket.objects.get().state == BucketPhase.READY
    assert set(regional_buckets.states) == {claimed.pk}
    assert not OutboxEntry.objects.exists()
    assert actions() == ["bucket.create"]


def test_a_crash_before_the_publication_commits_is_finished_later(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last transaction is under way when the process dies: PostgreSQL takes it back."""
    with monkeypatch.context() as patch:
        patch.setattr(bucket_phases, "announce", lambda kind, key: crash("publish"))
        with pytest.raises(Crash):
            life.create()
    assert Bucket.objects.get().state == BucketPhase.CREATING
    assert OutboxEntry.objects.exists()
    assert life.drain_later() == outbox.Drained(1, 0)
    assert Bucket.objects.get().state == BucketPhase.READY


def test_a_half_made_bucket_is_not_finished_as_something_else(
    life: Life, regional_buckets: MemoryRegionalBuckets
) -> None:
    regional_buckets.before = crash
    with pytest.raises(Crash):
        life.create()
    regional_buckets.before = nothing
    with pytest.raises(OperationAborted):
        life.create(object_lock=True)


def test_an_empty_bucket_is_deleted_on_both_sides_and_its_name_is_free(
    life: Life, globex: Tenant, regional_buckets: MemoryRegionalBuckets
) -> None:
    bucket = life.create()
    life.delete(bucket)
    assert not Bucket.objects.exists()
    assert not OutboxEntry.objects.exists()
    assert regional_buckets.retired == {bucket.pk}
    with pytest.raises(NoSuchBucket):
        life.delete(bucket)
    assert life.create(tenant=globex).pk != bucket.pk


def test_a_bucket_that_holds_something_stays_as_it_was(life: Life, regional_buckets: MemoryRegionalBuckets) -> None:
    bucket = life.create()
    regional_buckets.occupied.add(bucket.pk)
    with pytest.raises(BucketNotEmpty):
        life.delete(bucket)
    assert Bucket.objects.get().state == BucketPhase.READY
    assert not OutboxEntry.objects.exists()
    assert actions() == ["bucket.create"]


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("finisher", ["same request", "outbox"])
def test_a_crash_while_deleting_is_finished_later(
    life: Life, globex: Tenant, regional_buckets: MemoryRegionalBuckets, side: str, finisher: str
) -> None:
    """Before the region retired it: only the intent is there. After: only the global row is left over."""
    bucket = life.create()
    setattr(regional_buckets, side, crash)
    with pytest.raises(Crash):
        life.delete(bucket)
    assert Bucket.objects.get().state == BucketPhase.DELETING
    setattr(regional_buckets, side, nothing)
    with pytest.raises(OperationAborted):
        life.create()
    with pytest.raises(BucketAlreadyExists):
        life.create(tenant=globex)

    if finisher == "same request":
        life.delete(bucket)
    else:
        assert life.drain_later() == outbox.Drained(1, 0)
    assert not Bucket.objects.exists()
    assert not OutboxEntry.objects.exists()
    assert actions() == ["bucket.create", "bucket.delete"]
    assert AuditEntry.objects.get(action="bucket.delete").actor == "user:alice"


def test_a_crashed_deletion_of_a_bucket_that_is_in_use_again_is_withdrawn(
    life: Life, regional_buckets: MemoryRegionalBuckets
) -> None:
    bucket = life.create()
    regional_buckets.before = crash
    with pytest.raises(Crash):
        life.delete(bucket)
    regional_buckets.before = nothing
    regional_buckets.occupied.add(bucket.pk)
    assert life.drain_later() == outbox.Drained(1, 0)
    assert Bucket.objects.get().state == BucketPhase.READY


def test_a_refused_deletion_does_not_take_back_another_that_succeeded(
    life: Life, regional_buckets: MemoryRegionalBuckets
) -> None:
    """One is told "not empty"; the bucket is emptied; another retires it and dies before the global row is gone."""
    bucket = life.create()
    refused = bucket_phases.begin_delete(bucket, origin=life.origin)
    succeeding = bucket_phases.begin_delete(bucket, origin=life.origin)
    regional_buckets.occupied.add(bucket.pk)

    def emptied_and_retired_by_the_other(operation: str) -> None:
        regional_buckets.after = nothing
        regional_buckets.occupied.clear()
        assert regional_buckets.retire(bucket.pk)

    regional_buckets.after = emptied_and_retired_by_the_other
    assert not bucket_phases.finish_delete(refused, regional=life.regional)
    assert Bucket.objects.get().state == BucketPhase.DELETING
    assert OutboxEntry.objects.get() == succeeding
    assert life.drain_later() == outbox.Drained(1, 0)
    assert not Bucket.objects.exists()


def test_a_half_made_bucket_can_be_deleted(life: Life, regional_buckets: MemoryRegionalBuckets) -> None:
    regional_buckets.before = crash
    with pytest.raises(Crash):
        life.create()
    regional_buckets.before = nothing
    life.delete(Bucket.objects.get())
    assert not Bucket.objects.exists()
    assert set(regional_buckets.states) == regional_buckets.retired


def test_a_creation_overtaken_by_a_deletion_leaves_no_regional_state(
    life: Life, regional_buckets: MemoryRegionalBuckets
) -> None:
    regional_buckets.before = crash
    with pytest.raises(Crash):
        life.create()
    regional_buckets.before = nothing
    half_made = Bucket.objects.get()
    life.delete(half_made)
    regional_buckets.states.clear()
    regional_buckets.retired.clear()
    with pytest.raises(OperationAborted):
        bucket_phases.make_ready(half_made, regional=life.regional)
    assert set(regional_buckets.states) == regional_buckets.retired == {half_made.pk}


def test_a_region_that_is_away_is_asked_again_later_and_later(
    life: Life, regional_buckets: MemoryRegionalBuckets
) -> None:
    def away(operation: str) -> None:
        raise ConnectionError("the regional database is away")

    regional_buckets.before = away
    with pytest.raises(ConnectionError):
        life.create()
    for attempts in (1, 2):
        assert life.drain_later() == outbox.Drained(0, 1)
        entry = OutboxEntry.objects.get()
        assert entry.attempts == attempts
        assert entry.last_error == "ConnectionError: the regional database is away"
        assert OutboxEntry.objects.filter(available_at__gt=Now() + timedelta(seconds=2**attempts - 1)).exists()
        assert outbox.drain(regional=life.regional) == outbox.Drained(0, 0)
    regional_buckets.before = nothing
    assert life.drain_later() == outbox.Drained(1, 0)
    assert Bucket.objects.get().state == BucketPhase.READY


def test_the_outbox_of_another_region_is_left_alone(life: Life, regional_buckets: MemoryRegionalBuckets) -> None:
    regional_buckets.before = crash
    with pytest.raises(Crash):
        life.create()
    regional_buckets.before = nothing
    OutboxEntry.objects.update(available_at=Now())
    elsewhere = RegionalSide("eu-west-1", regional_buckets)
    assert outbox.drain(regional=elsewhere) == outbox.Drained(0, 0)
    with pytest.raises(InvalidArgument, match="serves the region 'eu-west-1'"):
        buckets.delete(Bucket.objects.get(), origin=life.origin, regional=elsewhere)


def test_public_access_raises_the_generation_once(life: Life) -> None:
    bucket = life.create()
    for _ in range(2):
        changed = buckets.set_public_access(bucket, allowed=True, origin=life.origin)
    assert changed.public_read
    assert changed.generation == bucket.generation + 1
    entry = AuditEntry.objects.get(action="bucket.set_public_access")
    assert (entry.before, entry.after) == ({"public_read": False}, {"public_read": True})
    life.delete(bucket)
    with pytest.raises(NoSuchBucket):
        buckets.set_public_access(bucket, allowed=False, origin=life.origin)


def test_of_many_who_create_one_name_one_tenant_has_it(life: Life, globex: Tenant) -> None:
    def create(number: int) -> str:
        try:
            life.create(tenant=globex if number % 2 else life.tenant)
        except (BucketAlreadyExists, BucketAlreadyOwnedByYou, OperationAborted) as error:
            return type(error).__name__
        finally:
            connections.close_all()
        return "made"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(create, range(8)))
    assert "made" in outcomes
    owner = Bucket.objects.get()
    assert owner.state == BucketPhase.READY
    losers = [outcome for number, outcome in enumerate(outcomes) if bool(number % 2) == (owner.tenant == life.tenant)]
    assert set(losers) == {"BucketAlreadyExists"}
    assert actions() == ["bucket.create"]


def test_many_who_delete_one_bucket_all_succeed_or_find_it_gone(life: Life) -> None:
    bucket = life.create()

    def delete(_: int) -> str:
        try:
            life.delete(bucket)
        except NoSuchBucket:
            return "gone"
        finally:
            connections.close_all()
        return "deleted"

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(delete, range(8))) <= {"deleted", "gone"}
    assert not Bucket.objects.exists()
    assert actions() == ["bucket.create", "bucket.delete"]
