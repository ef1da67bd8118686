"""Hears what changed in the global database and makes the directory forget it.

One LISTEN connection a process. While it is not known to be alive the directory trusts nothing for longer than a
second, so a revoked right ends everywhere within that time whatever fails. Must not know what is cached.

LISTEN needs a server session of its own: behind PgBouncer give the listener the server's own address.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from typing import Protocol

import psycopg
from psycopg import sql

from control.services.announcements import CHANNEL

logger = logging.getLogger(__name__)

PING_SECONDS = 1.0
"""A connection that died without a word is noticed after this and `PING_TIMEOUT_SECONDS`."""
PING_TIMEOUT_SECONDS = 2.0
CONNECT_TIMEOUT_SECONDS = 5.0
FIRST_RETRY_SECONDS = 0.1
LONGEST_RETRY_SECONDS = 5.0


class Forgetful(Protocol):
    """What must forget; `DjangoDirectory` is one."""

    def forget(self, kind: str, key: str) -> None: ...

    def hears_changes(self) -> None: ...

    def hears_nothing(self) -> None: ...


class InvalidationListener:
    """Run `run()` as a task of the worker; cancel it to stop."""

    def __init__(self, database_url: str, forgetful: Forgetful, *, ping_seconds: float = PING_SECONDS) -> None:
        self._database_url = database_url
        self._forgetful = forgetful
        self._ping_seconds = ping_seconds
        self._listening = asyncio.Event()

    @property
    def is_listening(self) -> bool:
        return self._listening.is_set()

    async def listening(self) -> None:
        """Returns once changes are heard."""
        await self._listening.wait()

    async def run(self) -> None:
        """Listens until cancelled; reconnects by itself, waiting longer after each failure."""
        retry_seconds = FIRST_RETRY_SECONDS
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError, TimeoutError) as error:
                if self._listening.is_set():
                    retry_seconds = FIRST_RETRY_SECONDS
                logger.warning("invalidations are not heard", extra={"error": str(error)})
            finally:
                self._listening.clear()
                self._forgetful.hears_nothing()
            # Spread, so that the workers of a restarted database do not come back all at once.
            await asyncio.sleep(retry_seconds * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            retry_seconds = min(2 * retry_seconds, LONGEST_RETRY_SECONDS)

    async def _listen(self) -> None:
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            connection = await psycopg.AsyncConnection.connect(
                self._database_url, autocommit=True, application_name="anvil invalidation listener"
            )
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
            self._forgetful.hears_changes()
            self._listening.set()
            logger.info("invalidations are heard")
            while True:
                async for notice in connection.notifies(timeout=self._ping_seconds):
                    kind, _, key = notice.payload.partition(":")
                    self._forgetful.forget(kind, key)
                async with asyncio.timeout(PING_TIMEOUT_SECONDS):
                    await connection.execute("SELECT 1")
        finally:
            with contextlib.suppress(psycopg.Error, OSError):
                await connection.close()
