"""The same bytes in other pieces are the same conversation, and no bytes at all upset the listener."""

from __future__ import annotations

import itertools
import logging
import struct

import pytest
from hpack import Decoder, Encoder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.fake_transport import conversation
from tests.support.listener import App
from tests.support.raw_http2 import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    frame,
    settings_payload,
)

HTTP1 = (
    b"GET /bytes/300 HTTP/1.1\r\nHost: a\r\n\r\n"
    b"PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world"
    b"PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"
    b"PUT /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\nbody"
    b"HEAD /bytes/7 HTTP/1.1\r\nHost: a\r\n\r\n"
    b"PUT /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\nnobody reads this...."[:-1]
    + b"GET /echo/last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
)


def _http2() -> bytes:
    encoder = Encoder()

    def head(method: str, path: str, *more: tuple[str, str]) -> bytes:
        pseudo = [(":method", method), (":scheme", "http"), (":authority", "a"), (":path", path)]
        return bytes(encoder.encode([*pseudo, *more]))

    def get(stream: int, path: str) -> bytes:
        return frame(HEADERS, END_HEADERS | END_STREAM, stream, head("GET", path))

    def in_three(stream: int, block: bytes) -> bytes:
        third = len(block) // 3
        return b"".join(
            (
                frame(HEADERS, 0, stream, block[:third]),
                frame(CONTINUATION, 0, stream, block[third : 2 * third]),
                frame(CONTINUATION, END_HEADERS, stream, block[2 * third :]),
            )
        )

    return b"".join(
        (
            PREFACE,
            frame(SETTINGS, 0, 0, settings_payload({4: 70_000})),
            frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1_000_000)),
            get(1, "/bytes/300"),
            frame(HEADERS, END_HEADERS, 3, head("PUT", "/echo", ("content-length", "11"))),
            frame(DATA, 0, 3, b"hello "),
            get(5, "/bytes/60000"),
            frame(PING, 0, 0, b"12345678"),
            frame(DATA, PADDED, 3, b"\x03wor\0\0\0"),
            frame(0x77, 0, 3, b"unknown"),
            frame(DATA, END_STREAM, 3, b"ld"),
            in_three(7, head("PUT", "/echo", ("x-long", "v" * 500))),
            frame(DATA, 0, 7, b"a body and "),
            frame(HEADERS, END_HEADERS | END_STREAM, 7, bytes(encoder.encode([("x-trailer", "1")]))),
            get(9, "/nothing"),
            frame(HEADERS, END_HEADERS, 11, head("PUT", "/echo", ("content-length", "3"))),
            frame(DATA, END_STREAM, 11, b"four"),
            frame(HEADERS, END_HEADERS, 13, head("PUT", "/count")),
            frame(RST_STREAM, 0, 13, struct.pack(">I", 8)),
            frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0)),
        )
    )


HTTP2 = _http2()
cuts = st.lists(st.integers(0, 100_000), max_size=30)


def in_pieces(data: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in at), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(edges)]


def replies(written: bytes) -> tuple[dict[int, list[object]], list[int]]:
    """Of each stream: its header lists, its body, how it ended; and the codes of GOAWAY."""
    decoder = Decoder()
    streams: dict[int, list[object]] = {}
    goaways: list[int] = []
    while written:
        length, kind, flags = int.from_bytes(written[:3], "big"), written[3], written[4]
        stream = int.from_bytes(written[5:9], "big")
        payload, written = written[9 : 9 + length], written[9 + length :]
        found = streams.setdefault(stream, [])
        if kind == HEADERS:
            found.append(sorted(decoder.decode(payload)))
        elif kind == DATA:
            if found and isinstance(found[-1], bytes):
                found[-1] += payload
            else:
                found.append(payload)
        elif kind == RST_STREAM:
            found.append(f"reset {int.from_bytes(payload, 'big')}")
        elif kind == GOAWAY:
            goaways.append(struct.unpack(">II", payload[:8])[1])
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            found.append("end")
    streams.pop(0, None)
    return {stream: found for stream, found in streams.items() if found}, goaways


def test_the_http2_conversation_is_what_it_should_be() -> None:
    streams, goaways = replies(conversation(App(), [HTTP2])[0])
    assert {stream: found[-2] for stream, found in streams.items() if found[-1] == "end"} == {
        1: (bytes(range(251)) * 2)[:300],
        3: b"hello world",
        5: (bytes(range(251)) * 240)[:60_000],
        7: b"a body and ",
        9: b"not here",
    }
    assert streams[11] == ["reset 1"]
    assert 13 not in streams
    assert goaways == []


@settings(deadline=None, max_examples=60)
@given(cuts)
def test_http2_in_other_pieces(at: list[int]) -> None:
    assert replies(conversation(App(), in_pieces(HTTP2, at))[0]) == replies(conversation(App(), [HTTP2])[0])


def test_http2_byte_by_byte() -> None:
    pieces = [bytes([octet]) for octet in HTTP2]
    assert replies(conversation(App(), pieces)[0]) == replies(conversation(App(), [HTTP2])[0])


@settings(deadline=None, max_examples=60)
@given(cuts)
def test_http1_in_other_pieces(at: list[int]) -> None:
    written, ended = conversation(App(), in_pieces(HTTP1, at))
    assert (written, ended) == conversation(App(), [HTTP1])
    assert written.count(b"HTTP/1.1 ") == 7
    assert ended


def test_http1_byte_by_byte() -> None:
    assert conversation(App(), [bytes([octet]) for octet in HTTP1]) == conversation(App(), [HTTP1])


mutations = st.lists(
    st.tuples(st.sampled_from(["set", "insert", "delete", "repeat"]), st.integers(0, 100_000), st.binary(max_size=12)),
    min_size=1,
    max_size=6,
)


def mutated(data: bytes, changes: list[tuple[str, int, bytes]], keep: int) -> bytes:
    for kind, where, octets in changes:
        at = keep + where % (len(data) - keep + 1)
        if kind == "set":
            data = data[:at] + octets + data[at + len(octets) :]
        elif kind == "insert":
            data = data[:at] + octets + data[at:]
        elif kind == "delete":
            data = data[:at] + data[at + len(octets) :]
        else:
            data = data[:at] + data[at : at + 40] * 2 + data[at + 40 :]
    return data


@pytest.mark.parametrize(("start", "keep"), [(HTTP2, len(PREFACE)), (HTTP1, 0)], ids=["http2", "http1"])
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=mutations)
def test_broken_input_is_refused_and_never_upsets(
    start: bytes, keep: int, changes: list[tuple[str, int, bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever comes, the connection goes on or ends as the protocol says; nothing is raised, no handler hangs."""
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        written, ended = conversation(App(), [mutated(start, changes, keep)])
    assert [record.getMessage() for record in caplog.records] == []
    if keep and ended:
        assert replies(written)[1] or GOAWAY in mutated(start, changes, keep)
