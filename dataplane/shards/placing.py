"""Which profile and which stores a new blob gets, from the stores that live and have room.

Must not know: how shards are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dataplane.contracts import Profile, StoreRecord
from dataplane.erasure.profile import candidate_profiles, choose_profile
from dataplane.erasure.stripes import Stripes
from dataplane.errors import QuorumNotReached, StorageFull
from dataplane.placement.domains import domain_count
from dataplane.transport.base import ShardTransport


@dataclass(frozen=True, slots=True)
class WriteSettings:
    """How blobs are written."""

    segment_bytes: int = 1 << 20
    wanted_profile: Profile | None = None
    """Of the region; None: the ladder decides."""
    floor_profile: Profile | None = None
    """Writes that would survive fewer losses than this one are refused."""
    max_segments_in_flight: int = 64
    """Of all writers of the process together: bounds memory to about 5 MiB each."""
    straggler_grace_seconds: float = 1.0
    """How long a reached quorum waits for the rest."""


async def choose_stores(
    transport: ShardTransport, size: int | None, settings: WriteSettings
) -> tuple[list[StoreRecord], Profile]:
    """The stores that may take shards of a blob of `size` bytes (None: not known), and its profile.

    The best profile for which enough stores live and have room for its shards. Never one without a spare
    while two domains live. Raises `StorageFull` or `QuorumNotReached`.
    """
    live = await transport.writable(0)
    spared = domain_count(live) > 1
    for profile in candidate_profiles(floor=settings.floor_profile, wanted=settings.wanted_profile):
        if profile.shards > domain_count(live) or (profile.m == 0 and spared and profile != settings.wanted_profile):
            continue
        roomy = await transport.writable(shard_bytes(size, profile, settings))
        if domain_count(roomy) >= profile.shards:
            return roomy, profile
    if choose_profile(domain_count(live), floor=settings.floor_profile, wanted=settings.wanted_profile) is not None:
        raise StorageFull(settings.segment_bytes if size is None else size)
    raise _too_few(live, settings.floor_profile)


def shard_bytes(size: int | None, profile: Profile, settings: WriteSettings) -> int:
    """Length of each shard file of a blob; of one segment where the size is not known."""
    plain = settings.segment_bytes if size is None else size
    return Stripes(plain, settings.segment_bytes, profile, sealed=True).shard_bytes


def _too_few(stores: Sequence[StoreRecord], floor: Profile | None) -> QuorumNotReached:
    if floor is None:
        return QuorumNotReached(0, 1, "no store of this node works; the log says why of each")
    return QuorumNotReached(
        len(stores),
        floor.shards,
        f"MIN_PROFILE is {floor} and {len(stores)} stores work; bring stores back or lower it",
    )
