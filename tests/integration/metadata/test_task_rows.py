"""The queue: claims exclude each other, leases run out, who lost a task changes nothing, the dead stay."""

from __future__ import annotations

import asyncio
import json

import psycopg
import pytest

from dataplane.metadata.store import MetadataStore
from dataplane.metadata.task_rows import ClaimedTask, TaskCount, TaskRows
from tests.support.metadata import rows


@pytest.fixture
def queue(store: MetadataStore, regional_url: str) -> TaskRows:
    with psycopg.connect(regional_url, autocommit=True) as connection:
        connection.execute("TRUNCATE task")
    return TaskRows(store.pool, "this")


def enqueue(regional_url: str, kind: str, count: int = 1, due: str = "now()") -> None:
    with psycopg.connect(regional_url, autocommit=True) as connection:
        for number in range(count):
            connection.execute(
                f"INSERT INTO task (kind, payload, due) VALUES (%s, %s::jsonb, {due})",
                [kind, json.dumps({"number": number})],
            )


async def test_a_task_is_claimed_once(
    store: MetadataStore, other_store: MetadataStore, queue: TaskRows, regional_url: str
) -> None:
    enqueue(regional_url, "A", 40)
    enqueue(regional_url, "B", 40)
    other = TaskRows(other_store.pool, "other")
    claims = await asyncio.gather(*(each.claim(["A"], 7, 60) for each in (queue, other) * 5))
    claimed = [task for tasks in claims for task in tasks]
    assert len({task.id for task in claimed}) == len(claimed) == 40
    assert {task.kind for task in claimed} == {"A"}
    assert sorted(task.payload["number"] for task in claimed) == list(range(40))
    assert await queue.claim(["A"], 7, 60) == []
    assert len(await queue.claim(["A", "B"], 100, 60)) == 40


async def test_the_longest_waiting_come_first(queue: TaskRows, regional_url: str) -> None:
    enqueue(regional_url, "A", 3, "now() - interval '1 second'")
    enqueue(regional_url, "A", 1, "now() - interval '1 hour'")
    enqueue(regional_url, "A", 1, "now() + interval '1 hour'")
    assert [task.payload["number"] for task in await queue.claim(["A"], 1, 60)] == [0]
    assert len(await queue.claim(["A"], 10, 60)) == 3


async def test_a_task_settles_before_it_is_claimed(queue: TaskRows, regional_url: str) -> None:
    enqueue(regional_url, "A", 1, "now() - interval '10 seconds'")
    assert await queue.claim(["A"], 1, 60, settle_seconds=60) == []
    assert len(await queue.claim(["A"], 1, 60, settle_seconds=5)) == 1


async def test_a_completed_task_is_gone(queue: TaskRows, regional_url: str) -> None:
    enqueue(regional_url, "A")
    [task] = await queue.claim(["A"], 1, 60)
    assert await queue.complete(task)
    assert rows(regional_url, "SELECT count(*) FROM task") == [(0,)]
    assert not await queue.complete(task)


async def test_who_lost_a_task_changes_nothing(queue: TaskRows, regional_url: str) -> None:
    enqueue(regional_url, "A")
    [lost] = await queue.claim(["A"], 1, 0)
    [task] = await queue.claim(["A"], 1, 60)
    assert (lost.attempts, task.attempts) == (1, 2)
    assert not await queue.complete(lost)
    assert not await queue.fail(lost, "late", None)
    assert await queue.complete(task)


async def test_a_failed_task_comes_back_and_then_dies(queue: TaskRows, regional_url: str) -> None:
    enqueue(regional_url, "A")
    [task] = await queue.claim(["A"], 1, 60)
    assert await queue.fail(task, "broken \0 pipe", 3600)
    assert await queue.claim(["A"], 1, 60) == []
    assert rows(regional_url, "SELECT last_error, holder, due > now() + interval '59 minutes' FROM task") == [
        ("broken \\0 pipe", None, True)
    ]
    with psycopg.connect(regional_url, autocommit=True) as connection:
        connection.execute("UPDATE task SET due = now()")
    [task] = await queue.claim(["A"], 1, 60)
    assert await queue.fail(task, "for good", None)
    assert await queue.claim(["A"], 1, 60) == []
    assert not await queue.complete(task)
    assert rows(regional_url, "SELECT dead, last_error, attempts FROM task") == [(True, "for good", 2)]


async def test_counts(queue: TaskRows, regional_url: str) -> None:
    enqueue(regional_url, "A", 3, "now() - interval '1 minute'")
    enqueue(regional_url, "B", 2)
    [running] = await queue.claim(["A"], 1, 60)
    [dead] = await queue.claim(["A"], 1, 60)
    await queue.fail(dead, "x", None)
    counts = {(each.kind, each.state): each for each in await queue.counts()}
    assert {key: each.count for key, each in counts.items()} == {
        ("A", "pending"): 1,
        ("A", "running"): 1,
        ("A", "dead"): 1,
        ("B", "pending"): 2,
    }
    oldest: TaskCount = counts["A", "pending"]
    assert 55 < oldest.oldest_seconds < 120
    assert counts["A", "running"].oldest_seconds == 0
    assert isinstance(running, ClaimedTask)
