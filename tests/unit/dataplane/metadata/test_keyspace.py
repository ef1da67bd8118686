"""The arithmetic of listings: what sorts next, and where a page that continues begins."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from dataplane.metadata.keyspace import BEYOND_ANY_KEY, after, before_nul, beyond, beyond_suffix, start_of

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
LAST = "\U0010ffff"


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("", None),
        ("a", "b"),
        ("a/", "a0"),
        ("\ud7ff", "\ue000"),
        ("a" + LAST, "b"),
        (LAST, None),
        (LAST * 3, None),
        ("\uffff", "\U00010000"),
    ],
)
def test_beyond(prefix: str, expected: str | None) -> None:
    assert beyond(prefix) == expected


@given(prefix=TEXT, rest=TEXT, other=TEXT)
def test_beyond_separates_what_is_below_a_prefix_from_what_follows(prefix: str, rest: str, other: str) -> None:
    border = beyond(prefix)
    if border is None:
        assert prefix.strip(LAST) == ""
        return
    border_bytes = border.encode()
    assert (prefix + rest).encode() < border_bytes
    if not other.startswith(prefix) and other > prefix:
        assert other.encode() >= border_bytes


@given(key=TEXT, other=TEXT)
def test_after_is_the_next_key(key: str, other: str) -> None:
    assert (other > key) == (other >= after(key))


@given(key=TEXT, marker=st.text(max_size=4))
def test_a_marker_with_nul_sorts_the_same(key: str, marker: str) -> None:
    assert (key > marker) == (key > before_nul(marker)) or marker.partition("\0")[0] == key


@pytest.mark.parametrize(
    ("prefix", "delimiter", "marker", "expected"),
    [
        ("", "", "", ""),
        ("p", "", "", "p"),
        ("p", "", "a", "p"),
        ("p", "", "p", "p\x01"),
        ("p", "/", "p/x", "p0"),
        ("p/", "/", "p/x", "p/x\x01"),
        ("", "/", "a/", "a0"),
        ("", "//", "a//b", "a/0"),
        ("", LAST, "a" + LAST, "a" + LAST + BEYOND_ANY_KEY),
    ],
)
def test_start_of(prefix: str, delimiter: str, marker: str, expected: str) -> None:
    assert start_of(prefix, delimiter, marker) == expected


def test_beyond_a_delimiter_of_last_code_points_is_longer_than_any_key() -> None:
    assert beyond_suffix("/") == "0"
    assert len(beyond_suffix(LAST).encode()) > 1024
