"""The profile ladder, as the cluster design has it."""

from __future__ import annotations

import pytest

from dataplane.contracts import Profile
from dataplane.erasure.profile import candidate_profiles, choose_profile, parse_profile


@pytest.mark.parametrize(
    ("domains", "expected"),
    [
        (1, "1+0"),
        (2, "1+1"),
        (3, "2+1"),
        (4, "2+2"),
        (5, "2+2"),
        (6, "4+2"),
        (8, "4+2"),
        (9, "6+3"),
        (11, "6+3"),
        (12, "8+4"),
        (100, "8+4"),
    ],
)
def test_ladder(domains: int, expected: str) -> None:
    assert str(choose_profile(domains)) == expected


def test_no_store_no_profile() -> None:
    assert choose_profile(0) is None


@pytest.mark.parametrize(
    ("profile", "quorum"),
    [("1+0", 1), ("1+1", 2), ("2+1", 3), ("2+2", 3), ("4+2", 5), ("6+3", 8), ("8+4", 11)],
)
def test_write_quorum(profile: str, quorum: int) -> None:
    assert parse_profile(profile).write_quorum == quorum


def test_a_wanted_profile_wins_while_it_fits() -> None:
    wanted = Profile(3, 3)
    assert choose_profile(6, wanted=wanted) == wanted
    assert choose_profile(5, wanted=wanted) == Profile(2, 2)


def test_the_floor_refuses_less() -> None:
    floor = Profile(2, 1)
    assert choose_profile(3, floor=floor) == Profile(2, 1)
    assert choose_profile(2, floor=floor) == Profile(1, 1)
    assert choose_profile(1, floor=floor) is None
    assert choose_profile(3, floor=Profile(4, 2)) is None


@pytest.mark.parametrize("text", ["4+2", " 1+0 ", "20+12"])
def test_parsing(text: str) -> None:
    assert str(parse_profile(text)) == text.strip()


@pytest.mark.parametrize("text", ["", "4", "4-2", "0+1", "4+2+1", "30+3", "4+0", "-1+2"])
def test_bad_profiles_are_named(text: str) -> None:
    with pytest.raises(ValueError, match=repr(text).replace("+", r"\+")):
        parse_profile(text)


def test_candidates_begin_with_what_is_wanted() -> None:
    listed = candidate_profiles(wanted=Profile(2, 2))
    assert [str(profile) for profile in listed] == ["2+2", "8+4", "6+3", "4+2", "2+1", "1+1", "1+0"]
    assert [str(profile) for profile in candidate_profiles(floor=Profile(4, 2))] == ["8+4", "6+3", "4+2", "2+2"]
