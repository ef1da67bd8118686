"""Quorum decisions: told what happened, they say what to do."""

from __future__ import annotations

import pytest

from dataplane.contracts import Profile
from dataplane.shards.plan import ReadPlan, Verdict, WritePlan


def test_a_write_commits_at_quorum_and_owes_the_rest() -> None:
    plan = WritePlan(Profile(4, 2))
    for index in range(4):
        plan.ack(index)
        assert plan.verdict is Verdict.WAIT
    plan.ack(5)
    assert plan.verdict is Verdict.COMMIT
    assert plan.owed() == (4,)
    plan.ack(4)
    assert plan.owed() == ()


def test_a_write_that_cannot_reach_quorum_aborts() -> None:
    plan = WritePlan(Profile(4, 2))
    plan.fail(0)
    assert plan.verdict is Verdict.WAIT
    plan.fail(3)
    assert plan.verdict is Verdict.ABORT


@pytest.mark.parametrize(
    ("profile", "may_fail"),
    [(Profile(1, 0), 0), (Profile(1, 1), 0), (Profile(2, 1), 0), (Profile(2, 2), 1), (Profile(6, 3), 1)],
)
def test_how_many_may_fail(profile: Profile, may_fail: int) -> None:
    plan = WritePlan(profile)
    for index in range(may_fail):
        plan.fail(index)
    assert plan.verdict is Verdict.WAIT
    plan.fail(may_fail)
    assert plan.verdict is Verdict.ABORT


def test_a_shard_may_fail_after_it_was_durable_not_the_other_way() -> None:
    plan = WritePlan(Profile(2, 2))
    plan.ack(0)
    plan.fail(0)
    assert plan.durable == 0
    with pytest.raises(ValueError, match="shard 0 failed"):
        plan.ack(0)
    with pytest.raises(ValueError, match="no shard 4"):
        plan.ack(4)


def test_a_read_takes_data_shards_first() -> None:
    plan = ReadPlan(Profile(4, 2), [5, 4, 3, 2, 1, 0])
    assert plan.wanted() == [3, 2, 1, 0]


def test_a_failed_shard_is_replaced() -> None:
    plan = ReadPlan(Profile(4, 2), range(6))
    plan.fail(1)
    assert plan.wanted([0, 2, 3]) == [4]
    assert plan.wanted() == [0, 2, 3, 4]
    plan.fail(4)
    assert plan.wanted([0, 2, 3]) == [5]
    assert not plan.hopeless
    plan.fail(5)
    assert plan.hopeless
    assert plan.wanted([0, 2, 3]) == []


def test_enough_good_shards_need_no_more() -> None:
    assert ReadPlan(Profile(2, 1), range(3)).wanted([0, 2]) == []


def test_shards_that_nobody_holds_are_not_wanted() -> None:
    plan = ReadPlan(Profile(2, 1), [1])
    assert plan.hopeless
    assert plan.wanted() == [1]
