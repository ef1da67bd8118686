"""Upkeep of the journal: a partition a day, made ahead of time; what is older than its retention is dropped whole.

Must not know who reads it. A reader that falls behind by the whole retention loses what was dropped.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial

from psycopg import errors as pg
from psycopg import sql

from dataplane.metadata.pool import Connection, MetadataPool
from dataplane.metadata.tables import JOURNAL, statement

DAYS_AHEAD = 3
REST = f"{JOURNAL}_rest"
"""Holds what no daily partition takes: the days for which nobody made one ahead."""

TODAY = statement("SELECT (now() AT TIME ZONE 'UTC')::date")

PARTITIONS = statement(
    f"""
    SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = '{JOURNAL}'::regclass
    ORDER BY 1
    """
)

ALONE = statement(f"SELECT pg_advisory_xact_lock(hashtextextended('{JOURNAL}', 0))")

EXISTS = statement("SELECT to_regclass(%(name)s::text)::text")

DROP_OLD_REST = statement(
    f"""
    DELETE FROM {REST} WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM {REST} WHERE created < %(before)s::timestamptz LIMIT %(limit)s::bigint
    ))
    """
)


class Journal:
    def __init__(self, pool: MetadataPool, *, retention: timedelta = timedelta(days=7)) -> None:
        self._pool = pool
        self._retention = retention

    async def maintain(self) -> None:
        """Makes the partitions of the next days and drops those past retention. Idempotent; meant to run every hour."""
        [(today,)] = await self._pool.fetch(TODAY, {})
        existing = [name for (name,) in await self._pool.fetch(PARTITIONS, {})]
        for ahead in range(1, DAYS_AHEAD + 1):
            day = today + timedelta(days=ahead)
            if _name(day) not in existing:
                await self._pool.transaction(partial(_add, day=day), what="the journal")
        oldest = today - self._retention
        for name in existing:
            day = _day(name)
            if day is not None and day < oldest:
                await self._pool.transaction(partial(_drop, name=name), what="the journal")
        before = datetime(oldest.year, oldest.month, oldest.day, tzinfo=UTC)
        while await self._pool.execute(DROP_OLD_REST, {"before": before, "limit": 10_000}):
            pass


async def _add(connection: Connection, day: date) -> None:
    """Made aside and then attached: unlike CREATE ... PARTITION OF that locks no writer out."""
    name = sql.Identifier(_name(day))
    bounds = (sql.Literal(f"{day} 00:00:00+00"), sql.Literal(f"{day + timedelta(days=1)} 00:00:00+00"))
    await connection.execute("SET LOCAL lock_timeout = '2s'")
    # Several nodes may be at it.
    await connection.execute(ALONE)
    cursor = await connection.execute(EXISTS, {"name": _name(day)})
    if await cursor.fetchone() != (None,):
        return
    await connection.execute(
        sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)").format(
            name, sql.Identifier(JOURNAL)
        )
    )
    try:
        async with connection.transaction():
            await connection.execute(
                sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                    sql.Identifier(JOURNAL), name, *bounds
                )
            )
    except pg.CheckViolation:
        # The rest has rows of that day already (a clock that ran ahead): they stay there, and so does the day.
        await connection.execute(sql.SQL("DROP TABLE {}").format(name))


async def _drop(connection: Connection, name: str) -> None:
    await connection.execute("SET LOCAL lock_timeout = '2s'")
    await connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))


def _name(day: date) -> str:
    return f"{JOURNAL}_{day:%Y%m%d}"


def _day(name: str) -> date | None:
    """The day of a partition; None for the rest."""
    try:
        return datetime.strptime(name.removeprefix(f"{JOURNAL}_"), "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None
