"""Which erasure profile a new blob gets: the ladder by number of independent stores. Pure.

The ladder and its rules are those of the cluster design: the more stores stand in distinct failure domains,
the better the profile; never without a spare while two domains live; never below the region's floor.
"""

from __future__ import annotations

import re

from dataplane.contracts import Profile

LADDER: tuple[tuple[int, Profile], ...] = (
    (12, Profile(8, 4)),
    (9, Profile(6, 3)),
    (6, Profile(4, 2)),
    (4, Profile(2, 2)),
    (3, Profile(2, 1)),
    (2, Profile(1, 1)),
    (1, Profile(1, 0)),
)
"""(stores needed, profile), best first."""

assert all(needed == profile.shards for needed, profile in LADDER)

MAX_SHARDS = 32
"""What the codec can do."""

_PROFILE = re.compile(r"([1-9][0-9]?)\+([0-9]{1,2})")


def parse_profile(text: str) -> Profile:
    """Reads `4+2`. Raises ValueError, naming what is wrong."""
    match = _PROFILE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not an erasure profile: write data+parity, for example 4+2")
    profile = Profile(int(match[1]), int(match[2]))
    if profile.shards > MAX_SHARDS:
        raise ValueError(f"{text!r} has {profile.shards} shards; at most {MAX_SHARDS} are possible")
    if profile.m == 0 and profile.k > 1:
        raise ValueError(f"{text!r} would lose everything with any one of {profile.k} stores: give it parity")
    return profile


def losses_survived(profile: Profile) -> int:
    """How many shards may be lost at once without loss of data."""
    return profile.m


def candidate_profiles(*, floor: Profile | None = None, wanted: Profile | None = None) -> list[Profile]:
    """What a write may use, best first: `wanted` (of a bucket or region), then the ladder.

    Left out is what survives less than the `floor`.
    """
    listed = [profile for _, profile in LADDER]
    if wanted is not None:
        listed = [wanted, *(profile for profile in listed if profile != wanted)]
    return [profile for profile in listed if floor is None or losses_survived(profile) >= losses_survived(floor)]


def choose_profile(domains: int, *, floor: Profile | None = None, wanted: Profile | None = None) -> Profile | None:
    """The profile for `domains` live stores in distinct failure domains, or None where none is allowed."""
    candidates = candidate_profiles(floor=floor, wanted=wanted)
    return next((profile for profile in candidates if profile.shards <= domains), None)
