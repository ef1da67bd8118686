"""The measured cells: one operation at one size with one number of clients, on every target in turn.

Turns alternate (A B A B ...), so that a ratio holds although the machine's speed drifts. Everything that is not
the operation itself (signing, seeding, checking the bytes, clearing away) happens outside the clock.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.performance.bench.loadgen import Driver, Outcome, Request
from tests.performance.bench.target import Target, TargetRefused

OPERATIONS = ("put", "get", "list", "delete")
MOST_DIFFERENT_KEYS_READ = 1000
MOST_BYTES_KEPT = 2 << 30
SEED_OBJECTS = 64
LIST_KEYS = 1000
UNHURRIED_SECONDS = 600.0
"""Bound for work outside the clock."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one cell on one target in one round."""

    seconds: float
    requests: int
    bytes: int

    def requests_of(self, size: int, clients: int) -> int:
        return max(min(self.requests, self.bytes // max(size, 1)), clients)


@dataclass(frozen=True, slots=True)
class Sample:
    outcome: Outcome
    cpu_seconds: float
    rss_mib: float
    pss_mib: float

    @property
    def cpu_ms_per_request(self) -> float:
        return self.cpu_seconds / self.outcome.requests * 1e3 if self.outcome.requests else 0.0


@dataclass(slots=True)
class Cell:
    """All samples of a cell: by target name, one per round."""

    operation: str
    size: int
    clients: int
    samples: dict[str, list[Sample]] = field(default_factory=dict)


class Body:
    """A file of random bytes; a request body of n bytes is its first n."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self._digests: dict[int, str] = {}
        with path.open("wb") as file:
            for written in range(0, size, 1 << 20):
                file.write(_random_block(min(1 << 20, size - written)))

    def sha256(self, size: int) -> str:
        if size not in self._digests:
            digest, left = hashlib.sha256(), size
            with self.path.open("rb") as file:
                while left:
                    block = file.read(min(left, 1 << 20))
                    digest.update(block)
                    left -= len(block)
            self._digests[size] = digest.hexdigest()
        return self._digests[size]


def _random_block(size: int) -> bytes:
    with open("/dev/urandom", "rb") as source:
        return source.read(size)


class Bench:
    def __init__(self, targets: list[Target], driver: Driver, body: Body, limits: Limits, rounds: int) -> None:
        self._targets = targets
        self._driver = driver
        self._body = body
        self._limits = limits
        self._rounds = rounds
        self._stored: dict[tuple[str, int], list[str]] = {}
        self._serial = itertools.count()
        self._cells_left = 0

    def run(self, operations: list[str], sizes: list[int], clients: list[int]) -> Iterator[Cell]:
        """Yields each cell when all its rounds are done."""
        for size in sizes:
            for operation in operations:
                if operation == "list" and size != sizes[0]:
                    continue  # a listing costs the same whatever its objects weigh
                self._cells_left = self._rounds * len(clients)
                for count in clients:
                    cell = Cell(operation, size, count, {target.name: [] for target in self._targets})
                    for _ in range(self._rounds):
                        for target in self._targets:
                            cell.samples[target.name].append(self._measure(target, operation, size, count))
                        self._cells_left -= 1
                    yield cell
            for target in self._targets:
                self._drop(target, size, self._stored.pop((target.name, size), []))

    def _measure(self, target: Target, operation: str, size: int, clients: int) -> Sample:
        if operation == "put":
            return self._put(target, size, clients)
        keys = self._stored.get((target.name, size)) or self._seed(target, size)
        if operation == "get":
            return self._get(target, keys, size, clients)
        if operation == "list":
            return self._list(target, keys, size, clients)
        return self._delete(target, size, clients)

    def _timed(
        self, target: Target, requests: list[Request], clients: int, *, wrap: bool, most: int, body: Path | None = None
    ) -> Sample:
        before = target.cost()
        outcome = self._driver.run(
            target, requests, clients=clients, seconds=self._limits.seconds, most=most, wrap=wrap, body=body
        )
        cpu_seconds = target.cost().cpu_seconds - before.cpu_seconds
        memory = target.cost(memory=True)
        return Sample(outcome, cpu_seconds, memory.rss_mib, memory.pss_mib)

    def _puts(self, target: Target, keys: list[str], size: int) -> list[Request]:
        digest = self._body.sha256(size)
        return [Request(target.head("PUT", key, body_bytes=size, body_sha256=digest), size) for key in keys]

    def _put(self, target: Target, size: int, clients: int) -> Sample:
        most = self._limits.requests_of(size, clients)
        folder = f"{size}/{next(self._serial):04d}"
        keys = [f"{folder}/{number:06d}" for number in range(most)]
        requests = self._puts(target, keys, size)
        sample = self._timed(target, requests, clients, wrap=False, most=most, body=self._body.path)
        stored = self._stored.setdefault((target.name, size), [])
        # Requests are begun in order, so all but the last few keys are certain to be there.
        stored += keys[: max(sample.outcome.requests - clients, 0)] if not sample.outcome.errors else []
        kept = max(MOST_BYTES_KEPT // max(size, 1), SEED_OBJECTS)
        self._drop(target, size, stored[kept:])
        del stored[kept:]
        return sample

    def _seed(self, target: Target, size: int) -> list[str]:
        count = max(min(SEED_OBJECTS, self._limits.bytes // max(size, 1)), 1)
        keys = [f"{size}/seed/{number:06d}" for number in range(count)]
        outcome = self._driver.run(
            target,
            self._puts(target, keys, size),
            clients=min(4, count),
            seconds=UNHURRIED_SECONDS,
            most=count,
            wrap=False,
            body=self._body.path,
        )
        if outcome.requests != count:
            raise TargetRefused(f"{target.name}: {outcome.errors} of {count} PUTs failed: {outcome.excerpt}")
        self._stored[(target.name, size)] = keys
        return keys

    def _get(self, target: Target, keys: list[str], size: int, clients: int) -> Sample:
        status, data = target.call("GET", keys[0])
        if status != 200 or hashlib.sha256(data).hexdigest() != self._body.sha256(size):
            raise TargetRefused(
                f"{target.name}: GET {keys[0]} gave status {status}, {len(data)} bytes, not what was put"
            )
        read = keys[:: max(len(keys) // MOST_DIFFERENT_KEYS_READ, 1)][:MOST_DIFFERENT_KEYS_READ]
        requests = [Request(target.head("GET", key), reply_bytes=size) for key in read]
        return self._timed(target, requests, clients, wrap=True, most=self._limits.requests_of(size, clients) * 4)

    def _list(self, target: Target, keys: list[str], size: int, clients: int) -> Sample:
        query = {"list-type": "2", "prefix": f"{size}/", "max-keys": str(LIST_KEYS)}
        status, answer = target.call("GET", query=query)
        listed = answer.count(b"<Key>")
        if status != 200 or listed != min(len(keys), LIST_KEYS):
            wanted = min(len(keys), LIST_KEYS)
            if status != 200 or listed < wanted:
                raise TargetRefused(f"{target.name}: LIST gave status {status} and {listed} keys, not {wanted}")
        requests = [Request(target.head("GET", "", query=query))]
        return self._timed(target, requests, clients, wrap=True, most=self._limits.requests)

    def _delete(self, target: Target, size: int, clients: int) -> Sample:
        stored = self._stored[(target.name, size)]
        count = min(max(len(stored) // max(self._cells_left, 1), 1), self._limits.requests)
        keys, self._stored[(target.name, size)] = stored[:count], stored[count:]
        requests = [Request(target.head("DELETE", key)) for key in keys]
        return self._timed(target, requests, min(clients, count), wrap=False, most=count)

    def _drop(self, target: Target, size: int, keys: list[str]) -> None:
        if keys:
            requests = [Request(target.head("DELETE", key)) for key in keys]
            self._driver.run(
                target, requests, clients=8, seconds=UNHURRIED_SECONDS, most=len(keys), wrap=False, body=None
            )
