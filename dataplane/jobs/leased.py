"""Work under a lease: it is taken, renewed and given back; its loss stops the work before another can begin.

Must not know: what the work is, the table.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from dataplane.clock import SYSTEM_CLOCK, Clock
from dataplane.leases.state import HeldLease

logger = logging.getLogger(__name__)


class LeaseRows(Protocol):
    """Compare-and-set on the lease's row, by the database's clock."""

    async def acquire(self, name: str, holder: str, ttl_seconds: float) -> int | None:
        """The new token, larger than any before; None while somebody else holds the lease."""
        ...

    async def renew(self, name: str, holder: str, token: int, ttl_seconds: float) -> bool: ...

    async def release(self, name: str, holder: str, token: int) -> None: ...


class LeaseLostError(Exception):
    """The lease ran out or was taken; the work was stopped."""


class LeaseKeeper:
    """Leases of one holder (a process)."""

    def __init__(self, rows: LeaseRows, holder: str, *, ttl_seconds: float = 30.0, clock: Clock = SYSTEM_CLOCK) -> None:
        self._rows = rows
        self._holder = holder
        self._ttl_seconds = ttl_seconds
        self._clock = clock

    async def run(self, name: str, work: Callable[[HeldLease], Awaitable[None]]) -> bool:
        """Runs `work` under the lease `name`; False where somebody else holds it.

        Raises `LeaseLostError` where the lease was lost before the work was done, and what the work raises.
        """
        asked_at = self._clock.monotonic()
        token = await self._rows.acquire(name, self._holder, self._ttl_seconds)
        if token is None:
            return False
        lease = HeldLease(name, self._holder, token, self._ttl_seconds, asked_at)
        working = asyncio.ensure_future(work(lease))
        keeping = asyncio.ensure_future(self._keep(lease))
        try:
            await asyncio.wait({working, keeping}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise LeaseLostError(f"the lease {name!r} was lost")
            await working
        finally:
            for task in (working, keeping):
                task.cancel()
            await asyncio.gather(working, keeping, return_exceptions=True)
            # It runs out by itself where the database does not answer.
            with contextlib.suppress(Exception):
                await self._rows.release(name, self._holder, token)
        return True

    async def _keep(self, lease: HeldLease) -> None:
        """Renews until the lease is lost, then returns."""
        while lease.usable(now := self._clock.monotonic()):
            due = lease.renew_at if now < lease.renew_at else now + self._ttl_seconds / 10
            await asyncio.sleep(max(0.0, min(due, lease.stop_at) - now))
            asked_at = self._clock.monotonic()
            if asked_at < lease.renew_at:
                continue
            try:
                async with asyncio.timeout(max(0.0, lease.stop_at - asked_at)):
                    renewed = await self._rows.renew(lease.name, lease.holder, lease.token, self._ttl_seconds)
            except Exception as error:
                logger.warning("A lease could not be renewed", extra={"lease": lease.name, "reason": repr(error)})
                continue
            if not renewed:
                return
            lease = lease.renewed(asked_at)
