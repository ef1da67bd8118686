"""Versions and bytes of each bucket, kept up from the journal: no write of an object touches a counter."""

from __future__ import annotations

from dataclasses import dataclass

from dataplane.metadata.arrays import Int8Array
from dataplane.metadata.pool import MetadataPool
from dataplane.metadata.tables import BUCKET_USAGE, JOURNAL, JOURNAL_CURSOR, statement

BEGIN = statement(
    f"""
    INSERT INTO {JOURNAL_CURSOR} (name, position_xid, position_id) VALUES ('usage', '0'::xid8, 0)
    ON CONFLICT (name) DO NOTHING
    """
)

# Only what is older than every running transaction: a writer that commits later can then not be passed over.
ROLL_UP = statement(
    f"""
    WITH position AS MATERIALIZED (
        SELECT position_xid AS xid, position_id AS id FROM {JOURNAL_CURSOR} WHERE name = 'usage' FOR UPDATE
    )
    , fresh AS MATERIALIZED (
        SELECT xid, id, bucket_id, versions_delta, bytes_delta FROM {JOURNAL}
        WHERE (xid, id) > ((SELECT xid FROM position), (SELECT id FROM position))
            AND xid < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY xid, id
        LIMIT %(limit)s::bigint
    )
    , applied AS (
        INSERT INTO {BUCKET_USAGE} AS u (bucket_id, versions, bytes)
        SELECT bucket_id, sum(versions_delta), sum(bytes_delta) FROM fresh GROUP BY bucket_id ORDER BY bucket_id
        ON CONFLICT (bucket_id) DO UPDATE SET
            versions = u.versions + excluded.versions, bytes = u.bytes + excluded.bytes, updated = clock_timestamp()
    )
    , moved AS (
        UPDATE {JOURNAL_CURSOR} c SET position_xid = last.xid, position_id = last.id, updated = clock_timestamp()
        FROM (SELECT xid, id FROM fresh ORDER BY xid DESC, id DESC LIMIT 1) last
        WHERE c.name = 'usage'
    )
    SELECT count(*) FROM fresh
    """
)

READ = statement(
    f"""
    SELECT bucket_id, versions, bytes FROM {BUCKET_USAGE} WHERE bucket_id = ANY (%(bucket_ids)s::bigint[])
    """
)


@dataclass(frozen=True, slots=True)
class BucketUsage:
    """As of the last roll-up. Delete markers count as versions of no bytes; parts of uploads do not count."""

    bucket_id: int
    versions: int
    bytes: int


class UsageRows:
    def __init__(self, pool: MetadataPool) -> None:
        self._pool = pool

    async def roll_up(self, *, limit: int = 10_000) -> int:
        """Adds up to `limit` journal rows; how many there were. Call again while it answers `limit`."""
        await self._pool.execute(BEGIN, {})
        [(count,)] = await self._pool.fetch(ROLL_UP, {"limit": limit})
        return int(count)

    async def catch_up(self, *, limit: int = 10_000) -> None:
        """Rolls up until there is nothing left that can be."""
        while await self.roll_up(limit=limit) == limit:
            pass

    async def of(self, bucket_ids: list[int]) -> dict[int, BucketUsage]:
        """Of those buckets that ever held something."""
        rows = await self._pool.read(READ, {"bucket_ids": Int8Array(bucket_ids)})
        return {row[0]: BucketUsage(*row) for row in rows}
