"""Connections of the hot path: psycopg's pool, the session settings, and what a database failure means.

Must not know any table. A commit whose connection died may have happened: `MetadataUnavailable` never means
"not stored", and nobody may clean up after it what the commit refers to.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any, TypeVar

import psycopg
from prometheus_client import Histogram
from psycopg import errors as pg
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from dataplane import metrics
from dataplane.errors import DomainError, InvalidArgument, MetadataUnavailable, OperationAborted, Overloaded
from dataplane.metadata.arrays import register_types

logger = logging.getLogger(__name__)

Connection = psycopg.AsyncConnection[TupleRow]
Result = TypeVar("Result")

ATTEMPTS = 5
"""Of a transaction that lost a race or was the victim of a deadlock."""

SAMPLE_EVERY_SECONDS = 1.0
"""How often the use of the connections is measured."""

_SETTINGS = {
    "timezone": "UTC",
    # Every statement goes by an index. Without these a plan made while a table was empty reads it whole later.
    "enable_seqscan": "off",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
}


# Of an OperationalError: none where the connection just broke, else the server said that it is going away.
_CONNECTION_LOST = (None, "57P01", "57P02", "57P03", "08000", "08003", "08006")


class RacedError(Exception):
    """Somebody else changed the key between our look and our write: roll back and look again."""


class MetadataPool:
    """`prepare=False` is for PgBouncer in transaction mode: no prepared statements and no session settings."""

    def __init__(
        self,
        dsn: str,
        *,
        size: int = 8,
        prepare: bool = True,
        wait_seconds: float = 10.0,
        statement_seconds: float = 30.0,
        lock_seconds: float = 10.0,
    ) -> None:
        self._prepare = prepare
        self._wait_seconds = wait_seconds
        self._timeouts = {
            "statement_timeout": f"{statement_seconds:.0f}s",
            "lock_timeout": f"{lock_seconds:.0f}s",
            "idle_in_transaction_session_timeout": f"{statement_seconds:.0f}s",
        }
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            dsn,
            min_size=min(2, size),
            max_size=size,
            max_waiting=4096,
            timeout=wait_seconds,
            max_idle=300.0,
            kwargs={"autocommit": True, "prepare_threshold": 0 if prepare else None},
            configure=self._configure,
            open=False,
            name="metadata",
        )
        self._sampling: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Raises MetadataUnavailable where no connection comes about."""
        try:
            await self._pool.open(wait=True, timeout=self._wait_seconds)
        except (PoolTimeout, psycopg.Error) as error:
            await self._pool.close()
            raise MetadataUnavailable(str(error)) from error
        self._sampling = asyncio.create_task(self._sample(), name="metadata connections")

    async def close(self) -> None:
        if self._sampling is not None:
            self._sampling.cancel()
            await asyncio.wait([self._sampling])
            self._sampling = None
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """An autocommit connection; database errors inside become domain errors."""
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (psycopg.Error, PoolTimeout, PoolClosed, TooManyRequests, UnicodeEncodeError) as error:
            meaning = domain_error(error)
            if meaning is None:
                raise
            if isinstance(error, psycopg.OperationalError) and error.sqlstate in _CONNECTION_LOST:
                await self._replace_dead_connections()
            raise meaning from error

    async def fetch(
        self, query: bytes, parameters: dict[str, Any], *, timed_as: Histogram = metrics.DATABASE_OTHER
    ) -> list[TupleRow]:
        """One statement in a transaction of its own; all its rows."""
        async with self.connection() as connection:
            began = perf_counter()
            try:
                cursor = await connection.execute(query, parameters, binary=True)
                return await cursor.fetchall()
            finally:
                timed_as.observe(perf_counter() - began)

    async def read(
        self, query: bytes, parameters: dict[str, Any], *, timed_as: Histogram = metrics.DATABASE_OTHER
    ) -> list[TupleRow]:
        """Like `fetch`, for statements that change nothing: tried once more where the connection turns out dead."""
        try:
            return await self.fetch(query, parameters, timed_as=timed_as)
        except MetadataUnavailable as error:
            if getattr(error.__cause__, "sqlstate", "") not in _CONNECTION_LOST:
                raise
        return await self.fetch(query, parameters, timed_as=timed_as)

    async def execute(self, query: bytes, parameters: dict[str, Any]) -> int:
        """One statement in a transaction of its own; how many rows it found or changed."""
        async with self.connection() as connection:
            began = perf_counter()
            try:
                cursor = await connection.execute(query, parameters)
                return cursor.rowcount
            finally:
                metrics.DATABASE_OTHER.observe(perf_counter() - began)

    async def transaction(
        self,
        work: Callable[[Connection], Awaitable[Result]],
        *,
        what: str,
        timed_as: Histogram = metrics.DATABASE_OTHER,
    ) -> Result:
        """Runs `work` in a transaction (READ COMMITTED), again if it lost a race. `what` names it to the caller."""
        for _ in range(ATTEMPTS):
            try:
                async with self.connection() as connection:
                    began = perf_counter()
                    try:
                        async with connection.transaction():
                            return await work(connection)
                    finally:
                        timed_as.observe(perf_counter() - began)
            except RacedError:
                continue
            except OperationAborted as error:
                if isinstance(error.__cause__, pg.DeadlockDetected | pg.SerializationFailure):
                    continue
                raise
        raise OperationAborted(what)

    async def _sample(self) -> None:
        """Looking now and then costs requests nothing; taking and giving back are not counted one by one."""
        try:
            while True:
                now = self._pool.get_stats()
                idle = now["pool_available"]
                metrics.DATABASE_CONNECTIONS_IDLE.set(idle)
                metrics.DATABASE_CONNECTIONS_IN_USE.set(now["pool_size"] - idle)
                metrics.DATABASE_CONNECTIONS_LIMIT.set(now["pool_max"])
                await asyncio.sleep(SAMPLE_EVERY_SECONDS)
        finally:
            metrics.DATABASE_CONNECTIONS_IDLE.set(0)
            metrics.DATABASE_CONNECTIONS_IN_USE.set(0)
            metrics.DATABASE_CONNECTIONS_LIMIT.set(0)

    async def _replace_dead_connections(self) -> None:
        """Where one connection died, the others of that server did: no other caller should have to find out."""
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._pool.check()
        except (TimeoutError, psycopg.Error, PoolClosed):
            logger.warning("The metadata database does not answer; its connections are made anew one by one")

    async def _configure(self, connection: Connection) -> None:
        register_types(connection.adapters)
        if not self._prepare:
            return
        await connection.execute(
            "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS s(name, value)",
            [list(_SETTINGS | self._timeouts), list((_SETTINGS | self._timeouts).values())],
        )
        # Acknowledged means durable, whatever the server's default; stronger settings are left alone.
        await connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )


def domain_error(error: Exception) -> DomainError | None:
    """What a failure of the database means to the caller; None for one that is a mistake of ours."""
    match error:
        case TooManyRequests():
            return Overloaded("the metadata connection pool")
        case PoolTimeout() | PoolClosed():
            return MetadataUnavailable(str(error))
        case pg.DeadlockDetected() | pg.SerializationFailure() | pg.LockNotAvailable():
            return OperationAborted("the object")
        case UnicodeEncodeError():
            return InvalidArgument("text", error.object, "it has characters that UTF-8 cannot encode")
        case psycopg.DataError():
            return InvalidArgument(
                "metadata", error.diag.message_primary or str(error), "the database refused the value"
            )
        case psycopg.OperationalError() | psycopg.InterfaceError() | pg.ReadOnlySqlTransaction():
            return MetadataUnavailable(_said(error))
        case _:
            return None


def _said(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error)
