"""Parsing of If-* headers; how reads are decided is tested through GetObject."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dataplane.contracts import NO_CONDITIONS, ReadConditions, WriteConditions
from dataplane.errors import NotModified, PreconditionFailed
from s3gateway.errors import S3Error
from s3gateway.preconditions import (
    check_copy_source,
    check_read,
    delete_conditions,
    parse_etags,
    read_conditions,
    write_conditions,
)

NOW = datetime(2026, 11, 20, tzinfo=UTC)
CHANGED = datetime(2026, 11, 1, 12, 0, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"a"', ("a",)),
        ("a", ("a",)),
        ('"a", "b"', ("a", "b")),
        ('"a","b"', ("a", "b")),
        ('W/"a"', ("a",)),
        ('"a, b"', ("a, b",)),
        ("*", ("*",)),
        (" * ", ("*",)),
        ("", ()),
        (",", ()),
        ('""', ("",)),
        ('"5eb63bbbe01eeed093cb22bb8f5acdc3-12"', ("5eb63bbbe01eeed093cb22bb8f5acdc3-12",)),
    ],
)
def test_etags(value: str, expected: tuple[str, ...]) -> None:
    assert parse_etags(value) == expected


def test_etags_are_bounded() -> None:
    assert len(parse_etags(",".join(f'"{number}"' for number in range(1000)))) == 64


def test_no_headers_no_conditions() -> None:
    assert read_conditions({b"host": b"x"}) is None
    assert write_conditions({b"host": b"x"}) is NO_CONDITIONS
    assert delete_conditions({b"host": b"x"}) is NO_CONDITIONS


def test_read_conditions_of_the_source_are_others() -> None:
    headers = {b"if-match": b'"a"', b"x-amz-copy-source-if-none-match": b'"b"'}
    assert read_conditions(headers) == ReadConditions(if_match=("a",))
    assert read_conditions(headers, copy_source=True) == ReadConditions(if_none_match=("b",))


def check(**conditions: object) -> None:
    check_read(ReadConditions(**conditions), etag="a", last_modified=CHANGED, now=NOW)  # type: ignore[arg-type]


def test_dates_are_compared_in_whole_seconds() -> None:
    check(if_unmodified_since=CHANGED.replace(microsecond=0))
    with pytest.raises(NotModified):
        check(if_modified_since=CHANGED.replace(microsecond=0))


def test_an_empty_list_of_etags_matches_nothing() -> None:
    with pytest.raises(PreconditionFailed):
        check(if_match=())
    check(if_none_match=())


def test_a_date_in_the_future_is_no_condition() -> None:
    check(if_modified_since=datetime(2027, 1, 1, tzinfo=UTC))


def test_a_copy_knows_no_304() -> None:
    for conditions, name in (
        (ReadConditions(if_none_match=("a",)), "x-amz-copy-source-If-None-Match"),
        (ReadConditions(if_modified_since=NOW), "x-amz-copy-source-If-Modified-Since"),
        (ReadConditions(if_match=("b",)), "x-amz-copy-source-If-Match"),
    ):
        with pytest.raises(PreconditionFailed) as caught:
            check_copy_source(conditions, etag="a", last_modified=CHANGED, now=NOW)
        assert caught.value.condition == name


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({b"if-none-match": b"*"}, WriteConditions(if_none_match=True)),
        ({b"if-none-match": b'"a"'}, WriteConditions(if_none_match_etag="a")),
        ({b"if-match": b'"a"'}, WriteConditions(if_match="a")),
        ({b"if-match": b"*"}, WriteConditions(if_match="*")),
        ({b"if-match": b'"a"', b"if-none-match": b'"b"'}, WriteConditions(if_match="a", if_none_match_etag="b")),
    ],
)
def test_write_conditions(headers: dict[bytes, bytes], expected: WriteConditions) -> None:
    assert write_conditions(headers) == expected


@pytest.mark.parametrize("headers", [{b"if-match": b'"a", "b"'}, {b"if-none-match": b""}, {b"if-match": b","}])
def test_write_conditions_name_one_etag(headers: dict[bytes, bytes]) -> None:
    with pytest.raises(S3Error) as caught:
        write_conditions(headers)
    assert caught.value.code == "NotImplemented"


def test_delete_conditions() -> None:
    headers = {
        b"if-match": b'"a"',
        b"x-amz-if-match-size": b"12",
        b"x-amz-if-match-last-modified-time": b"Sun, 01 Nov 2026 12:00:00 GMT",
    }
    assert delete_conditions(headers) == WriteConditions(
        if_match="a", if_match_size=12, if_match_last_modified=CHANGED.replace(microsecond=0)
    )
