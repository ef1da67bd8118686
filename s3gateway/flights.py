"""The requests in the air: how many, since when, and which of them have stalled or lost their client.

One timer for all of them looks once a second, so a request costs no timer of its own. It ends those past their time
and, once a request has lasted, watches for the client's leaving. Must not know: S3, replies.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from time import monotonic

from s3gateway.stream import RequestStream

SWEEP_SECONDS = 1.0
"""How late a stalled or abandoned request may be noticed."""


class Ending(enum.Enum):
    """Why the sweep cancelled a request."""

    CLIENT_STALLED = "the client neither sent nor read for too long"
    OVERDUE = "the work took too long"
    CLIENT_GONE = "the client went away"


class Flight:
    """One request being worked on. `touch` is called at each piece received or sent."""

    __slots__ = (
        "_idle_seconds", "_work_seconds", "ending", "expires_at", "landing", "sending", "stream", "task",
        "watcher",
    )  # fmt: skip

    def __init__(self, task: asyncio.Task[object], idle_seconds: float, work_seconds: float) -> None:
        self.task = task
        self._idle_seconds = idle_seconds
        self._work_seconds = work_seconds
        self.expires_at = monotonic() + work_seconds
        self.stream: RequestStream | None = None
        self.sending = False
        """Whether a piece of the reply is waiting for the client to take it."""
        self.landing = False
        """Whether the last piece of the reply is on its way: nothing is left to end."""
        self.watcher: asyncio.Task[None] | None = None
        self.ending: Ending | None = None

    def carry(self, stream: RequestStream) -> None:
        """`stream` is the request's; until it is finished the client has to keep sending."""
        self.stream = stream
        if not stream.finished:
            self.touch()

    def touch(self) -> None:
        stream = self.stream
        receiving = stream is not None and not stream.finished
        self.expires_at = monotonic() + (self._idle_seconds if receiving or self.sending else self._work_seconds)

    @property
    def waits_for_client(self) -> bool:
        return self.sending or (self.stream is not None and self.stream.waiting)


class Flights:
    """All flights of a worker; at most `limit`."""

    def __init__(self, *, limit: int, idle_seconds: float, work_seconds: float) -> None:
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._work_seconds = work_seconds
        self._flights: set[Flight] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._on_sweep: Callable[[int], None] | None = None

    def __len__(self) -> int:
        return len(self._flights)

    @property
    def full(self) -> bool:
        return len(self._flights) >= self._limit

    def report_to(self, on_sweep: Callable[[int], None]) -> None:
        """`on_sweep` is told the number in the air once a second, and 0 when the last has landed."""
        self._on_sweep = on_sweep

    def enter(self) -> Flight:
        """Must be called in the request's own task."""
        task = asyncio.current_task()
        assert task is not None, "requests run in tasks"
        loop = self._loop
        if loop is None or self._timer is None:
            loop = self._loop = task.get_loop()
            self._timer = loop.call_later(SWEEP_SECONDS, self._sweep)
        flight = Flight(task, self._idle_seconds, self._work_seconds)
        self._flights.add(flight)
        return flight

    def leave(self, flight: Flight) -> None:
        self._flights.discard(flight)
        if flight.watcher is not None:
            flight.watcher.cancel()

    def _sweep(self) -> None:
        assert self._loop is not None
        now = monotonic()
        for flight in self._flights:
            if now >= flight.expires_at:
                flight.expires_at = now + self._idle_seconds
                _end(flight, Ending.CLIENT_STALLED if flight.waits_for_client else Ending.OVERDUE)
            elif flight.watcher is None and flight.stream is not None and flight.stream.finished:
                flight.watcher = self._loop.create_task(_watch(flight, flight.stream))
        if self._on_sweep is not None:
            self._on_sweep(len(self._flights))
        # The timer dies with the last flight and is born with the next: an idle worker wakes for nothing.
        self._timer = self._loop.call_later(SWEEP_SECONDS, self._sweep) if self._flights else None


def _end(flight: Flight, ending: Ending) -> None:
    flight.ending = ending
    flight.task.cancel()


async def _watch(flight: Flight, stream: RequestStream) -> None:
    await stream.disconnected()
    if not flight.landing:
        _end(flight, Ending.CLIENT_GONE)
