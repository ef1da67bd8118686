"""Ids sort by their time, tell it, and are not to be guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given

from dataplane.metadata.version_ids import ID_LENGTH, created_of, new_id

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 2**55 - 1).map(lambda microseconds: EPOCH + timedelta(microseconds=microseconds))


@given(MOMENTS, MOMENTS)
def test_order_is_the_order_of_time(first: datetime, second: datetime) -> None:
    if first != second:
        assert (new_id(first) < new_id(second)) == (first < second)


@given(MOMENTS)
def test_an_id_tells_its_time(moment: datetime) -> None:
    identifier = new_id(moment)
    assert created_of(identifier) == moment
    assert len(identifier) == ID_LENGTH
    assert set(identifier) <= set("0123456789abcdefghijklmnopqrstuv")


def test_ids_of_one_moment_differ() -> None:
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    assert len({new_id(moment) for _ in range(1000)}) == 1000


@pytest.mark.parametrize("text", ["", "null", "x" * 32, "A" * 32, "0" * 31, "é" * 32])
def test_what_is_no_id(text: str) -> None:
    assert created_of(text) is None
