"""Which header lists are requests."""

from __future__ import annotations

import pytest

from anvil_site.listener.request_head import MalformedRequest, check_trailers, parse_request_head

PSEUDO = [(b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"test"), (b":path", b"/a%20b?c=d&e")]


def test_a_request_is_taken_apart() -> None:
    head = parse_request_head(
        [*PSEUDO, (b"content-length", b"5"), (b"expect", b"100-Continue"), (b"content-type", b"text/plain")]
    )
    assert (head.method, head.scheme, head.raw_path, head.query) == ("GET", "http", b"/a%20b", b"c=d&e")
    assert head.headers[0] == (b"host", b"test")
    assert (head.content_length, head.expects_continue, head.content_type) == (5, True, b"text/plain")


def test_nothing_special() -> None:
    head = parse_request_head(PSEUDO)
    assert (head.content_length, head.expects_continue, head.content_type) == (None, False, b"")


def test_host_instead_of_authority() -> None:
    head = parse_request_head([PSEUDO[0], PSEUDO[1], PSEUDO[3], (b"x-a", b"b"), (b"host", b"other")])
    assert head.headers == [(b"x-a", b"b"), (b"host", b"other")]


def test_host_and_the_same_authority() -> None:
    assert parse_request_head([*PSEUDO, (b"host", b"test")]).headers == [(b"host", b"test")]


def test_cookies_are_joined() -> None:
    head = parse_request_head([*PSEUDO, (b"cookie", b"a=1"), (b"x-a", b"b"), (b"cookie", b"c=2")])
    assert head.headers == [(b"host", b"test"), (b"x-a", b"b"), (b"cookie", b"a=1; c=2")]


def test_the_same_length_twice_is_one() -> None:
    assert parse_request_head([*PSEUDO, (b"content-length", b"5"), (b"content-length", b"5")]).content_length == 5


@pytest.mark.parametrize("target", [b"*", b"/", b"//a//", b"/%zz", b"/caf\xc3\xa9"])
def test_targets(target: bytes) -> None:
    block = [*PSEUDO[:3], (b":path", target)]
    assert parse_request_head(block).raw_path == target


@pytest.mark.parametrize(
    "block",
    [
        [],
        PSEUDO[:3],
        PSEUDO[1:],
        [PSEUDO[0], PSEUDO[2], PSEUDO[3]],
        [PSEUDO[0], PSEUDO[1], PSEUDO[3]],
        [*PSEUDO, PSEUDO[0]],
        [*PSEUDO, (b":status", b"200")],
        [*PSEUDO, (b":protocol", b"websocket")],
        [PSEUDO[0], (b"x-a", b"b"), *PSEUDO[1:]],
        [*PSEUDO[:3], (b":path", b"")],
        [*PSEUDO[:3], (b":path", b"relative")],
        [*PSEUDO[:3], (b":path", b"/with space")],
        [*PSEUDO[:3], (b":path", b"/with\x00nul")],
        [(b":method", b"G E T"), *PSEUDO[1:]],
        [(b":method", b"CONNECT"), *PSEUDO[1:]],
        [*PSEUDO, (b"host", b"other")],
        [*PSEUDO, (b"host", b"test"), (b"host", b"test")],
        [*PSEUDO, (b"Upper", b"x")],
        [*PSEUDO, (b"", b"x")],
        [*PSEUDO, (b"a b", b"x")],
        [*PSEUDO, (b"a:b", b"x")],
        [*PSEUDO, (b"caf\xc3\xa9", b"x")],
        [*PSEUDO, (b"x-a", b"b\r\nx-c: d")],
        [*PSEUDO, (b"x-a", b"b\x00")],
        [*PSEUDO, (b"x-a", b" b")],
        [*PSEUDO, (b"x-a", b"b\t")],
        [*PSEUDO, (b"connection", b"close")],
        [*PSEUDO, (b"transfer-encoding", b"chunked")],
        [*PSEUDO, (b"upgrade", b"h2c")],
        [*PSEUDO, (b"te", b"gzip")],
        [*PSEUDO, (b"content-length", b"-1")],
        [*PSEUDO, (b"content-length", b"")],
        [*PSEUDO, (b"content-length", b"5x")],
        [*PSEUDO, (b"content-length", b"9" * 20)],
        [*PSEUDO, (b"content-length", b"5"), (b"content-length", b"6")],
    ],
)
def test_malformed(block: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(MalformedRequest):
        parse_request_head(block)


def test_te_trailers() -> None:
    assert parse_request_head([*PSEUDO, (b"te", b"trailers")])


def test_trailers() -> None:
    check_trailers([(b"x-checksum", b"1")])
    for wrong in ([PSEUDO[0]], [(b"Upper", b"x")], [(b"connection", b"x")], [(b"x", b"a\nb")]):
        with pytest.raises(MalformedRequest):
            check_trailers(wrong)
