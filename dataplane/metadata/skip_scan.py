"""The SQL of listings with a delimiter: a recursion that jumps from entry to entry over an index on the key.

Each entry, a row or a common prefix, costs one or two index probes whatever lies below it, and a whole page is one
statement. Every listing that rolls up keys is built here. Must not know which relation it walks.
"""

from __future__ import annotations

from typing import Any

from dataplane.metadata.keyspace import BEYOND_ANY_KEY, beyond, beyond_suffix, start_of


def first_from(start: str, *, listed: str, relation: str, condition: str, order: str = "key") -> str:
    """The first row whose key is `start` or greater."""
    return f"""
        SELECT {listed} FROM {relation}
        WHERE {condition} AND key >= {start} AND key < %(stop)s::text
        ORDER BY {order}
        LIMIT 1
        """


def _entry(row: str, listed: str) -> str:
    """`row` with `rolled`, the length of its common prefix (0: none), and `next`, where the entry after it begins."""
    return f"""
        SELECT {listed}, rolled,
            CASE WHEN rolled > 0
                THEN left(key, rolled - %(delimiter_length)s::integer) || %(beyond_delimiter)s::text
                ELSE key || chr(1)
            END COLLATE "C" AS next
        FROM (
            SELECT {listed}, coalesce(nullif(
                    strpos(substr(key, %(prefix_length)s::integer + 1), %(delimiter)s::text), 0
                ) + %(prefix_length)s::integer + %(delimiter_length)s::integer - 1, 0) AS rolled
            FROM ({row}) found
        ) measured
        """


def walk_entries(*, listed: str, relation: str, condition: str, order: str = "key", sibling: str = "") -> str:
    """All entries of a page in order: `listed` and `rolled`.

    `sibling` finds the next row of the same key as the row `walk`, for relations that have several of a key.
    """

    def from_start(start: str) -> str:
        return first_from(start, listed=listed, relation=relation, condition=condition, order=order)

    step = from_start("walk.next")
    if sibling:
        step = f"""
            SELECT {listed} FROM (
                SELECT 0 AS turn, s.* FROM ({sibling}) s
                UNION ALL
                SELECT 1 AS turn, f.* FROM ({step}) f
            ) candidate
            ORDER BY turn
            LIMIT 1
            """
    return f"""
        WITH RECURSIVE walk AS (
            SELECT 1 AS place, e.* FROM ({_entry(from_start("%(start)s::text"), listed)}) e
            UNION ALL
            SELECT walk.place + 1, e.* FROM walk CROSS JOIN LATERAL ({_entry(step, listed)}) e
            WHERE walk.place < %(limit)s::bigint
        )
        SELECT {listed}, rolled FROM walk ORDER BY place
        """


def walk_parameters(prefix: str, delimiter: str, marker: str) -> dict[str, Any]:
    """For `walk_entries` and `first_from`; `marker` is the key or common prefix to continue after."""
    return {
        "start": start_of(prefix, delimiter, marker),
        "stop": beyond(prefix) or BEYOND_ANY_KEY,
        "prefix_length": len(prefix),
        "delimiter": delimiter,
        "delimiter_length": len(delimiter),
        "beyond_delimiter": beyond_suffix(delimiter) if delimiter else "",
    }
