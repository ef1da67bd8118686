"""Leases as rows: who is responsible for a name, until when, and with which fencing token.

The row decides, by compare-and-set and the database's clock; an advisory lock (django-pglocks) only keeps those who try
to take the same lease at once apart, and a broken one cannot make two holders. It is used as measured: synchronous, in
a thread of its own with a connection of its own, never waiting, never inside a transaction of the caller.
"""

from __future__ import annotations

import asyncio
import enum
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import Error, connections, transaction
from django_pglocks import advisory_lock

from dataplane.errors import MetadataUnavailable
from dataplane.metadata.tables import LEASE, Statement, statement

Result = TypeVar("Result")

TRY_LOCK = statement("SELECT pg_try_advisory_xact_lock(hashtextextended(%(lock)s::text, 0))")

# No row comes back while somebody else holds the lease. Tokens only grow, also past a release: the row stays.
ACQUIRE = statement(
    f"""
    INSERT INTO {LEASE} AS l (name, holder, token, expires)
    VALUES (%(name)s::text, %(holder)s::text, 1, clock_timestamp() + make_interval(secs => %(ttl_seconds)s::float8))
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, token = l.token + 1, expires = excluded.expires
    WHERE l.expires <= clock_timestamp()
    RETURNING token
    """
)

_HELD = """
    name = %(name)s::text AND holder = %(holder)s::text AND token = %(token)s::bigint AND expires > clock_timestamp()
    """

RENEW = statement(
    f"""
    UPDATE {LEASE} SET expires = clock_timestamp() + make_interval(secs => %(ttl_seconds)s::float8) WHERE {_HELD}
    """
)

RELEASE = statement(f"UPDATE {LEASE} SET expires = clock_timestamp() WHERE {_HELD}")

SAVE_CURSOR = statement(f"UPDATE {LEASE} SET cursor = %(cursor)s::text::jsonb WHERE {_HELD}")

READ_CURSOR = statement(f"SELECT cursor::text FROM {LEASE} WHERE name = %(name)s::text")


class LeaseLockMode(enum.StrEnum):
    """`xact` where PgBouncer pools by transaction: a session's lock would stay behind on another's connection."""

    SESSION = "session"
    XACT = "xact"


class LeaseRows:
    """Leases of the database behind `alias`. Every call is a transaction of its own. `close()` ends the thread."""

    def __init__(self, alias: str = "regional", lock_mode: LeaseLockMode = LeaseLockMode.SESSION) -> None:
        self._alias = alias
        self._lock_mode = lock_mode
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="leases")

    async def acquire(self, name: str, holder: str, ttl_seconds: float) -> int | None:
        """The new token, larger than any before; None while somebody else holds the lease, or is just taking it."""
        parameters = {"name": name, "holder": holder, "ttl_seconds": ttl_seconds}
        return await self._in_thread(lambda: self._acquire(name, parameters))

    async def renew(self, name: str, holder: str, token: int, ttl_seconds: float) -> bool:
        """False where the lease is over: the work under it must stop."""
        parameters = {"name": name, "holder": holder, "token": token, "ttl_seconds": ttl_seconds}
        return await self._in_thread(lambda: self._changes(RENEW, parameters))

    async def release(self, name: str, holder: str, token: int) -> None:
        parameters = {"name": name, "holder": holder, "token": token}
        await self._in_thread(lambda: self._changes(RELEASE, parameters))

    async def save_cursor(self, name: str, holder: str, token: int, cursor: Any) -> bool:
        """Where the work stands, for the next holder; refused (False) once the lease is over."""
        parameters = {"name": name, "holder": holder, "token": token, "cursor": json.dumps(cursor)}
        return await self._in_thread(lambda: self._changes(SAVE_CURSOR, parameters))

    async def read_cursor(self, name: str) -> Any:
        """What the last holder saved, or None."""
        text = await self._in_thread(lambda: self._value(READ_CURSOR, {"name": name}))
        return None if text is None else json.loads(text)

    async def close(self) -> None:
        # Django keeps a connection a thread: it has to be looked up there.
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()

    def _disconnect(self) -> None:
        connections[self._alias].close()

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: self._guarded(work))

    def _guarded(self, work: Callable[[], Result]) -> Result:
        connection = connections[self._alias]
        assert not connection.in_atomic_block, "a lease is never taken inside a transaction"
        connection.close_if_unusable_or_obsolete()
        try:
            return work()
        except Error as error:
            # A lock that could not be given back goes with its connection.
            connection.close()
            raise MetadataUnavailable(str(error)) from error

    def _acquire(self, name: str, parameters: dict[str, Any]) -> int | None:
        with self._alone(f"lease:{name}") as alone:
            return self._value(ACQUIRE, parameters) if alone else None

    @contextmanager
    def _alone(self, lock: str) -> Iterator[bool]:
        if self._lock_mode is LeaseLockMode.XACT:
            with transaction.atomic(using=self._alias):
                yield self._value(TRY_LOCK, {"lock": lock})
        else:
            with advisory_lock(lock, wait=False, using=self._alias) as acquired:
                yield acquired

    def _value(self, query: Statement, parameters: dict[str, Any]) -> Any:
        with connections[self._alias].cursor() as cursor:
            cursor.execute(query.decode(), parameters)
            row = cursor.fetchone()
        return None if row is None else row[0]

    def _changes(self, query: Statement, parameters: dict[str, Any]) -> bool:
        with connections[self._alias].cursor() as cursor:
            cursor.execute(query.decode(), parameters)
            return bool(cursor.rowcount > 0)
