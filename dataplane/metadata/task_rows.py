"""The task queue of a region as rows: claimed with a lease, completed, or failed and due again later.

Time is the database's. A claim moves `due` to the end of its lease, so the task of a claimer that died comes back by
itself; `attempts` is the fencing token, so that claimer can change nothing any more. Must not know any kind of task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dataplane.metadata.arrays import TextArray
from dataplane.metadata.pool import MetadataPool
from dataplane.metadata.tables import TASK, statement

# One probe a kind: an order over several kinds would sort the whole backlog for every claim.
CLAIM = statement(
    f"""
    UPDATE {TASK} SET attempts = attempts + 1, holder = %(holder)s::text,
        due = now() + make_interval(secs => %(lease_seconds)s::float8)
    WHERE id = ANY (ARRAY(
        SELECT ready.id
        FROM unnest(%(kinds)s::text[]) AS wanted (kind)
        JOIN LATERAL (
            SELECT id, due FROM {TASK} t
            WHERE t.kind = wanted.kind AND NOT t.dead
                AND t.due <= now() - make_interval(secs => %(settle_seconds)s::float8)
            ORDER BY t.due
            LIMIT %(limit)s::bigint
            FOR UPDATE SKIP LOCKED
        ) ready ON true
        ORDER BY ready.due
        LIMIT %(limit)s::bigint
    ))
    RETURNING id, kind, payload, attempts
    """
)

COMPLETE = statement(f"DELETE FROM {TASK} WHERE id = %(id)s::bigint AND attempts = %(attempts)s::bigint AND NOT dead")

FAIL = statement(
    f"""
    UPDATE {TASK} SET holder = NULL, last_error = %(error)s::text, dead = %(retry_seconds)s::float8 IS NULL,
        due = now() + make_interval(secs => coalesce(%(retry_seconds)s::float8, 0))
    WHERE id = %(id)s::bigint AND attempts = %(attempts)s::bigint AND NOT dead
    """
)

COUNTS = statement(
    f"""
    SELECT kind, CASE WHEN dead THEN 'dead' WHEN holder IS NOT NULL AND due > now() THEN 'running' ELSE 'pending' END,
        count(*), greatest(0, extract(epoch FROM now() - min(due)))::float8
    FROM {TASK}
    GROUP BY 1, 2
    """
)


@dataclass(frozen=True, slots=True)
class ClaimedTask:
    id: int
    kind: str
    payload: Mapping[str, Any]
    attempts: int
    """Counts this one."""


@dataclass(frozen=True, slots=True)
class TaskCount:
    kind: str
    state: str
    """`pending`, `running` or `dead`."""
    count: int
    oldest_seconds: float
    """How long the longest waiting of them has been due."""


class TaskRows:
    """The queue as one process sees it; `holder` names that process in the rows."""

    def __init__(self, pool: MetadataPool, holder: str) -> None:
        self._pool = pool
        self._holder = holder

    async def claim(
        self, kinds: Sequence[str], limit: int, lease_seconds: float, settle_seconds: float = 0.0
    ) -> list[ClaimedTask]:
        """Tasks that have been due for `settle_seconds`, the longest waiting first."""
        rows = await self._pool.fetch(
            CLAIM,
            {
                "holder": self._holder,
                "kinds": TextArray(kinds),
                "limit": limit,
                "lease_seconds": lease_seconds,
                "settle_seconds": settle_seconds,
            },
        )
        return sorted((ClaimedTask(*row) for row in rows), key=lambda task: task.id)

    async def complete(self, task: ClaimedTask) -> bool:
        """False where the task was lost: its lease was over and somebody else claimed it."""
        return await self._pool.execute(COMPLETE, {"id": task.id, "attempts": task.attempts}) > 0

    async def fail(self, task: ClaimedTask, error: str, retry_seconds: float | None) -> bool:
        """`retry_seconds` None: the task is dead. False where it was lost."""
        parameters = {
            "id": task.id,
            "attempts": task.attempts,
            # What an exception says may hold anything; a text column holds no NUL.
            "error": error.replace("\0", "\\0"),
            "retry_seconds": retry_seconds,
        }
        return await self._pool.execute(FAIL, parameters) > 0

    async def counts(self) -> list[TaskCount]:
        return [TaskCount(*row) for row in await self._pool.read(COUNTS, {})]
