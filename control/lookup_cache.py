"""A bounded cache in front of a slow lookup: positive and negative answers, an age limit, one lookup a key at a time.

Belongs to one event loop: every method is called on it. Knows neither Django nor what it caches.

An answer that was read before a change and arrives after the notice of it is given to those who waited for it (they
asked before the change was known) but not kept, and nobody who asks later joins that lookup.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from dataplane.errors import Overloaded

V = TypeVar("V")


class _Lookup(Generic[V]):
    __slots__ = ("future", "outdated", "started")

    def __init__(self, future: asyncio.Future[V | None], started: float) -> None:
        self.future = future
        self.started = started
        self.outdated = False


class LookupCache(Generic[V]):
    """`start(key)` begins a lookup and returns its future; None in it means: there is no such thing."""

    def __init__(
        self,
        what: str,
        start: Callable[[str], asyncio.Future[V | None]],
        *,
        capacity: int,
        ttl_seconds: float,
        negative_ttl_seconds: float,
        lookups_limit: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._start = start
        self._capacity = capacity
        self._ttl_seconds = ttl_seconds
        self._negative_ttl_seconds = negative_ttl_seconds
        self._lookups_limit = lookups_limit
        self._clock = clock
        self._age_cap_seconds = float("inf")
        self._max_age_seconds = ttl_seconds
        # Two dictionaries, so that a flood of unknown keys cannot push out what is in use. Both are in order of
        # insertion, and the oldest goes first: a read costs one look-up and no bookkeeping.
        self._found: dict[str, tuple[V, float]] = {}
        self._missing: dict[str, float] = {}
        self._lookups: dict[str, _Lookup[V]] = {}

    def __len__(self) -> int:
        return len(self._found) + len(self._missing)

    def cached(self, key: str) -> V | None:
        """What is known and fresh; None both where nothing is and where nothing exists."""
        entry = self._found.get(key)
        if entry is None or self._clock() - entry[1] >= self._max_age_seconds:
            return None
        return entry[0]

    async def get(self, key: str) -> V | None:
        """Raises `Overloaded` where too many different keys are being looked up, and what the lookup raises."""
        value = self.cached(key)
        if value is not None or self._is_known_missing(key):
            return value
        lookup = self._lookups.get(key)
        if lookup is None:
            lookup = self._begin(key)
        # Shielded: one impatient caller must not cancel the lookup of the others.
        return await asyncio.shield(lookup.future)

    def drop(self, key: str) -> None:
        self._found.pop(key, None)
        self._missing.pop(key, None)
        lookup = self._lookups.pop(key, None)
        if lookup is not None:
            lookup.outdated = True

    def drop_where(self, concerns: Callable[[V], bool]) -> None:
        """Drops the values that `concerns` accepts, every negative answer, and what is being looked up: of those
        nothing is known."""
        for key in [key for key, (value, _) in self._found.items() if concerns(value)]:
            del self._found[key]
        self._missing.clear()
        self._outdate_lookups()

    def clear(self) -> None:
        self._found.clear()
        self._missing.clear()
        self._outdate_lookups()

    def cap_age(self, seconds: float) -> None:
        """Nothing older than this is fresh from now on, whatever the configured limits; infinity takes it back."""
        self._age_cap_seconds = seconds
        self._max_age_seconds = min(self._ttl_seconds, seconds)

    def _is_known_missing(self, key: str) -> bool:
        stored = self._missing.get(key)
        limit_seconds = min(self._negative_ttl_seconds, self._age_cap_seconds)
        return stored is not None and self._clock() - stored < limit_seconds

    def _begin(self, key: str) -> _Lookup[V]:
        if len(self._lookups) >= self._lookups_limit:
            raise Overloaded(f"The lookup of {self._what}")
        # Ages count from before the read: the answer may be that old when it arrives.
        lookup = _Lookup(self._start(key), self._clock())
        self._lookups[key] = lookup
        lookup.future.add_done_callback(lambda future: self._finished(key, lookup, future))
        return lookup

    def _finished(self, key: str, lookup: _Lookup[V], future: asyncio.Future[V | None]) -> None:
        if self._lookups.get(key) is lookup:
            del self._lookups[key]
        if future.cancelled() or future.exception() is not None or lookup.outdated:
            return
        value = future.result()
        self._found.pop(key, None)
        self._missing.pop(key, None)
        if value is None:
            self._missing[key] = lookup.started
            _trim(self._missing, self._capacity)
        else:
            self._found[key] = (value, lookup.started)
            _trim(self._found, self._capacity)

    def _outdate_lookups(self) -> None:
        for lookup in self._lookups.values():
            lookup.outdated = True
        self._lookups.clear()


def _trim(entries: dict[str, Any], capacity: int) -> None:
    while len(entries) > capacity:
        del entries[next(iter(entries))]
