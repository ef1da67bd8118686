"""Listings of a bucket with very many keys: a page from the middle, and the top level below a delimiter.

A store that reads what it does not return shows here: both must cost the same however many keys there are.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from tests.performance.bench.cells import Cell, Sample
from tests.performance.bench.loadgen import Driver, Request
from tests.performance.bench.target import Target, TargetRefused

PREFIXES = ("alpha", "beta", "gamma")
FILL_CLIENTS = 16
FILL_AT_ONCE = 50_000
"""Requests signed and replayed together: memory stays bounded and signatures stay fresh."""


def key_names(count: int) -> Iterator[str]:
    for number in range(count):
        yield f"{PREFIXES[number % len(PREFIXES)]}/{number // len(PREFIXES):08d}"


def fill(target: Target, driver: Driver, count: int) -> None:
    """Puts `count` empty objects through the endpoint's own front door."""
    names = key_names(count)
    done = 0
    while done < count:
        requests = [Request(target.head("PUT", name)) for name in itertools.islice(names, FILL_AT_ONCE)]
        outcome = driver.run(
            target, requests, clients=FILL_CLIENTS, seconds=3600, most=len(requests), wrap=False, body=None
        )
        if outcome.errors or outcome.requests != len(requests):
            raise TargetRefused(f"{target.name}: {outcome.errors} of {len(requests)} PUTs failed: {outcome.excerpt}")
        done += len(requests)


def queries(count: int) -> dict[str, tuple[dict[str, str], bytes, int]]:
    """By scenario: the query, what to count in the reply, and how often it must be there."""
    middle = f"{PREFIXES[1]}/{count // len(PREFIXES) // 2:08d}"
    page = {"list-type": "2", "max-keys": "1000", "prefix": f"{PREFIXES[1]}/", "start-after": middle}
    top = {"list-type": "2", "delimiter": "/"}
    return {
        f"list 1,000 of {count:,} keys": (page, b"<Key>", min(1000, count // len(PREFIXES) // 2 - 1)),
        f"list {len(PREFIXES)} prefixes over {count:,} keys": (top, b"<CommonPrefixes>", len(PREFIXES)),
    }


def measure(
    targets: list[Target], driver: Driver, count: int, *, clients: list[int], seconds: float, rounds: int
) -> Iterator[Cell]:
    for scenario, (query, mark, wanted) in queries(count).items():
        for client_count in clients:
            cell = Cell(scenario, 0, client_count, {target.name: [] for target in targets})
            for _ in range(rounds):
                for target in targets:
                    status, answer = target.call("GET", query=query)
                    if status != 200 or answer.count(mark) < wanted:
                        raise TargetRefused(
                            f"{target.name}: {scenario}: status {status}, {answer.count(mark)} of {wanted}"
                        )
                    cell.samples[target.name].append(_page(target, driver, query, client_count, seconds))
            yield cell


def _page(target: Target, driver: Driver, query: dict[str, str], clients: int, seconds: float) -> Sample:
    request = Request(target.head("GET", "", query=query))
    before = target.cost()
    outcome = driver.run(target, [request], clients=clients, seconds=seconds, most=100_000, wrap=True)
    cpu_seconds = target.cost().cpu_seconds - before.cpu_seconds
    memory = target.cost(memory=True)
    return Sample(outcome, cpu_seconds, memory.rss_mib, memory.pss_mib)
