"""Requests as they come from a server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gateway.errors import S3Error
from s3gateway.percent import canonical_path, decode, encode, encode_path
from s3gateway.request import S3Request, header_text, join_headers, parse_query


def test_queries_are_ordered_multimaps() -> None:
    query = parse_query(b"b=2&a=1&b=3&flag&empty=&&x=a=b", 10)
    assert query.pairs == (("b", "2"), ("a", "1"), ("b", "3"), ("flag", ""), ("empty", ""), ("x", "a=b"))
    assert query.get("b") == "2"
    assert "flag" in query
    assert query.find("missing") is None
    assert query.get("missing", "default") == "default"
    assert list(query.names) == ["b", "a", "flag", "empty", "x"]


def test_query_values_are_decoded() -> None:
    query = parse_query(b"prefix=a%2Fb%20c+d%2B&%C3%A4=%F0%9F%98%80", 10)
    assert query.pairs == (("prefix", "a/b c d+"), ("ä", "😀"))


@pytest.mark.parametrize("raw", [b"a=%", b"a=%zz", b"%ff=1", b"a=%C3"])
def test_broken_queries_are_refused(raw: bytes) -> None:
    with pytest.raises(S3Error) as caught:
        parse_query(raw, 10)
    assert caught.value.code == "InvalidURI"


def test_queries_have_a_limit() -> None:
    assert len(parse_query(b"a&" * 9 + b"a", 10).pairs) == 10
    with pytest.raises(S3Error, match="More than 10 query parameters"):
        parse_query(b"a&" * 10 + b"a", 10)


def test_repeated_headers_are_joined_in_order() -> None:
    lines = [(b"x-amz-meta-a", b"1"), (b"host", b"h"), (b"x-amz-meta-a", b"2")]
    assert join_headers(lines) == {b"x-amz-meta-a": b"1,2", b"host": b"h"}
    assert join_headers(iter(lines)) == {b"x-amz-meta-a": b"1,2", b"host": b"h"}


def test_header_text_is_utf8_where_it_is() -> None:
    assert header_text("  ä ".encode()) == "ä"
    assert header_text("ä".encode("latin-1")) == "ä"


def test_from_scope() -> None:
    scope = {
        "method": "GET",
        "raw_path": b"/b/a%20b",
        "query_string": b"a=1",
        "headers": [(b"host", b"h")],
        "client": ("192.0.2.1", 1),
        "http_version": "2",
        "scheme": "https",
    }
    request = S3Request.from_scope(scope)
    assert (request.raw_path, request.client_host, request.http_version, request.scheme) == (
        b"/b/a%20b",
        "192.0.2.1",
        "2",
        "https",
    )
    assert request.query.get("a") == "1"
    assert request.header(b"host") == "h"
    assert request.header(b"missing") is None
    assert S3Request.from_scope({**scope, "client": None}).client_host == ""


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_encoding_and_decoding_are_inverse(text: str) -> None:
    assert decode(encode(text).encode()) == text
    assert decode(encode_path(text).encode()) == text


def test_encoding_follows_s3() -> None:
    assert encode("a/b~ -._ä!") == "a%2Fb~%20-._%C3%A4%21"
    assert encode_path("a/b ~") == "a/b%20~"
    assert canonical_path(b"/b/a%2fb!%7E+ ") == b"/b/a/b%21~%2B%20"
