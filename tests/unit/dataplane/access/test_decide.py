"""The single yes or no."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dataplane.access.decide import Reason, decide, decide_below
from dataplane.contracts import BucketRecord, Grant, Principal

WHEN = datetime(2026, 1, 1, tzinfo=UTC)
PRIVATE = BucketRecord(1, "photos", 1, "acme", "us-east-1", WHEN)
PUBLIC = BucketRecord(2, "press", 1, "acme", "us-east-1", WHEN, public_read=True)


def principal(*grants: Grant, tenant_id: int = 1) -> Principal:
    return Principal(tenant_id, f"tenant-{tenant_id}", 7, "app", "AK", grants)


ROOT = principal(Grant("*", "*"))
STRANGER = principal(Grant("*", "*"), tenant_id=2)
NOBODY = principal()


def test_a_grant_allows_what_it_names() -> None:
    reader = principal(Grant("object:read", "photos/*"))
    assert decide(reader, "object:read", "photos/a", PRIVATE).allowed
    assert decide(reader, "object:write", "photos/a", PRIVATE).reason is Reason.NO_GRANT
    assert decide(reader, "bucket:list", "photos", PRIVATE).reason is Reason.NO_GRANT


def test_all_rights_end_at_the_tenant() -> None:
    for action in ("object:read", "object:write", "object:delete", "bucket:delete", "bucket:list"):
        decision = decide(STRANGER, action, "photos/a", PRIVATE)
        assert not decision.allowed
        assert decision.reason is Reason.FOREIGN_TENANT


@pytest.mark.parametrize("caller", [None, STRANGER, NOBODY, ROOT])
def test_anyone_reads_a_public_bucket(caller: Principal | None) -> None:
    assert decide(caller, "object:read", "press/a", PUBLIC).allowed


@pytest.mark.parametrize("caller", [None, STRANGER, NOBODY])
@pytest.mark.parametrize("action", ["object:write", "object:delete", "object:list", "bucket:list", "bucket:delete"])
def test_public_read_is_reading_objects_and_nothing_else(caller: Principal | None, action: str) -> None:
    assert not decide(caller, action, "press/a", PUBLIC).allowed


def test_anonymous_callers_reach_nothing_private() -> None:
    assert decide(None, "object:read", "photos/a", PRIVATE).reason is Reason.ANONYMOUS
    assert not decide(None, "bucket:list", "*", None).allowed


def test_without_a_bucket_only_grants_count() -> None:
    maker = principal(Grant("bucket:create", "team-*"))
    assert decide(maker, "bucket:create", "team-one", None).allowed
    assert not decide(maker, "bucket:create", "other", None).allowed
    assert not decide(maker, "bucket:list", "*", None).allowed
    assert decide(ROOT, "bucket:list", "*", None).allowed


def test_deciding_for_keys_that_are_named_later() -> None:
    some = principal(Grant("object:delete", "photos/tmp/*"))
    assert decide_below(some, "object:delete", PRIVATE).allowed
    assert not decide_below(some, "object:delete", PUBLIC).allowed
    assert not decide_below(principal(Grant("object:read", "*")), "object:delete", PRIVATE).allowed
    assert not decide_below(None, "object:delete", PUBLIC).allowed
    assert decide_below(None, "object:read", PUBLIC).allowed
    assert not decide_below(STRANGER, "object:delete", PRIVATE).allowed
