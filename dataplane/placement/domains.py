"""Failure domains: how many independent places there are, and shards spread over them. Pure.

The domain of a store is its node; on a single node it is the store itself (one drive). No two shards of a
blob share a domain while there are enough domains; then the surplus is spread as evenly as it can be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from dataplane.contracts import StoreRecord


def domain_count(stores: Iterable[StoreRecord]) -> int:
    """The number the profile ladder asks for: nodes where there are several, else stores."""
    listed = list(stores)
    nodes = {store.node_id for store in listed}
    return len(nodes) if len(nodes) > 1 else len({store.id for store in listed})


def spread(ranking: Sequence[StoreRecord], count: int, taken: Sequence[StoreRecord] = ()) -> list[StoreRecord]:
    """The first `count` stores of `ranking` that keep the shards of each node as few as possible.

    `taken` are stores that hold shards of the blob already: they are not chosen again, and their nodes count.
    Fewer than `count` come back where there are not enough stores.
    """
    used = {store.id for store in taken}
    load = Counter(store.node_id for store in taken)
    left = [store for store in ranking if store.id not in used]
    chosen: list[StoreRecord] = []
    while left and len(chosen) < count:
        # min() is stable: among the least loaded nodes the ranking decides.
        best = min(left, key=lambda store: load[store.node_id])
        left.remove(best)
        load[best.node_id] += 1
        chosen.append(best)
    return chosen
