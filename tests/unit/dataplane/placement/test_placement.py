"""Placement: even, weighted, stable when stores come and go, spread over nodes."""

from __future__ import annotations

import random
from collections import Counter

from dataplane.contracts import StoreRecord
from dataplane.placement.domains import domain_count, spread
from dataplane.placement.rendezvous import ranked

BLOBS = [random.Random(seed).randbytes(16) for seed in range(2000)]


def store(number: int, *, node: str = "", weight: float = 1.0, read_only: bool = False) -> StoreRecord:
    return StoreRecord(number, f"store-{number}", node or f"node-{number}", weight=weight, read_only=read_only)


def first_choices(stores: list[StoreRecord]) -> dict[bytes, int]:
    return {blob: ranked(blob, stores)[0].number for blob in BLOBS}


def test_the_ranking_is_a_function_of_blob_and_stores() -> None:
    stores = [store(i) for i in range(6)]
    assert ranked(BLOBS[0], stores) == ranked(BLOBS[0], list(reversed(stores)))


def test_equal_stores_get_equal_shares() -> None:
    counts = Counter(first_choices([store(i) for i in range(5)]).values())
    assert all(340 < count < 460 for count in counts.values()), counts


def test_twice_the_weight_gets_twice_the_blobs() -> None:
    counts = Counter(first_choices([store(0, weight=2.0), store(1), store(2)]).values())
    assert 900 < counts[0] < 1100, counts


def test_a_lost_store_moves_only_its_own() -> None:
    stores = [store(i) for i in range(6)]
    before, after = first_choices(stores), first_choices(stores[:-1])
    assert all(after[blob] == number for blob, number in before.items() if number != 5)


def test_a_new_store_takes_only_what_it_wins() -> None:
    stores = [store(i) for i in range(5)]
    before, after = first_choices(stores), first_choices([*stores, store(5)])
    assert all(after[blob] in (number, 5) for blob, number in before.items())


def test_read_only_and_weightless_stores_take_nothing() -> None:
    stores = [store(0), store(1, read_only=True), store(2, weight=0.0)]
    assert [chosen.number for chosen in ranked(BLOBS[0], stores)] == [0]


def test_domains_are_nodes_or_else_stores() -> None:
    assert domain_count([]) == 0
    assert domain_count([store(i, node="only") for i in range(6)]) == 6
    assert domain_count([store(i, node=f"n{i % 3}") for i in range(6)]) == 3


def test_shards_are_spread_over_nodes_first() -> None:
    stores = [store(i, node=f"n{i % 3}") for i in range(9)]
    for blob in BLOBS[:200]:
        chosen = spread(ranked(blob, stores), 3)
        assert len({one.node_id for one in chosen}) == 3
        more = spread(ranked(blob, stores), 5)
        assert max(Counter(one.node_id for one in more).values()) == 2


def test_replacements_avoid_what_was_taken() -> None:
    stores = [store(i, node=f"n{i // 2}") for i in range(6)]
    ranking = ranked(BLOBS[0], stores)
    taken = spread(ranking, 4)
    more = spread(ranking, 3, taken)
    assert len(more) == 2
    assert not {one.id for one in more} & {one.id for one in taken}


def test_spread_keeps_the_ranking_where_it_can() -> None:
    stores = [store(i) for i in range(6)]
    ranking = ranked(BLOBS[0], stores)
    assert spread(ranking, 4) == ranking[:4]
