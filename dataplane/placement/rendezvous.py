"""Weighted rendezvous hashing (highest random weight) of blobs over stores. Pure.

Each store draws a score from the blob id and its own id; the highest scores take the shards. A store that
comes or goes moves only the shards that it wins or held, and a store of twice the weight gets twice the
blobs (score = -weight / ln(u), u uniform in (0, 1)).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable

from dataplane.contracts import StoreRecord

_DRAW_BITS = 53
"""As many as a float holds exactly."""


def score(blob_id: bytes, store: StoreRecord) -> float:
    """The store's score for a blob; higher is better. A store of weight 0 takes nothing (-inf)."""
    if store.weight <= 0:
        return -math.inf
    digest = hashlib.blake2b(blob_id + store.id.encode(), digest_size=8).digest()
    draw = (int.from_bytes(digest, "big") >> (64 - _DRAW_BITS)) + 0.5
    return -store.weight / math.log(draw / (1 << _DRAW_BITS))


def ranked(blob_id: bytes, stores: Iterable[StoreRecord]) -> list[StoreRecord]:
    """Stores that may take a shard of the blob, best first; equal scores in order of their ids."""
    scored = [(score(blob_id, store), store.id, store) for store in stores if not store.read_only]
    return [store for value, _, store in sorted(scored, key=lambda item: (-item[0], item[1])) if value > -math.inf]
