"""Cheap frames that cost the server much, frames against the rules, and peers that fall silent."""

from __future__ import annotations

import struct
import time

import pytest

from anvil_site.listener.limits import Limits
from tests.support.listener import listening, until
from tests.support.raw_http2 import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    RawHttp2,
    frame,
)

PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, ENHANCE_YOUR_CALM = 1, 3, 5, 6, 11

FLOODS = {
    "settings": frame(SETTINGS, 0, 0),
    "ping": frame(PING, 0, 0, bytes(8)),
    "priority": frame(PRIORITY, 0, 1, bytes(5)),
    "unknown": frame(0x42, 0, 0, b"?"),
    "empty data": frame(DATA, 0, 1),
    "window update": frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", 1)),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_ends_the_connection(kind: str) -> None:
    limits = Limits(control_burst=100, control_per_second=1, window_update_burst=100, window_update_per_second=1)
    with listening(limits=limits) as server:
        with RawHttp2(server.port) as client:
            client.request("PUT", "/count", end=False)
            client.ping()
            client.send(FLOODS[kind] * 50)
            client.ping()
            client.send(FLOODS[kind] * 200)
            client.wait_closed()
            assert client.goaways[-1][1] == ENHANCE_YOUR_CALM
        with RawHttp2(server.port) as client:
            assert client.reply(client.request("GET", "/bytes/1")).status == 200


def test_useful_window_updates_are_no_flood() -> None:
    limits = Limits(window_update_burst=20, window_update_per_second=0.001)
    with listening(limits=limits) as server, RawHttp2(server.port) as client:
        assert len(client.reply(client.request("GET", "/bytes/20000000")).body) == 20_000_000


def test_bodies_that_come_late_are_no_flood() -> None:
    """What was on its way when an upload was refused; behind a proxy it belongs to one client of many."""
    with (
        listening(limits=Limits(control_burst=20, control_per_second=0.001)) as server,
        RawHttp2(server.port) as client,
    ):
        refused = client.request("PUT", "/count/late", end=False)
        client.reset(refused)
        client.data(refused, bytes(100 * 16384))
        assert client.reply(client.request("GET", "/bytes/1")).status == 200
        client.data(refused, bytes(100), frame_bytes=1)
        client.wait_closed()
        assert client.goaways[-1][1] == ENHANCE_YOUR_CALM


def test_rapid_reset_ends_the_connection() -> None:
    limits = Limits(reset_burst=50, reset_per_second=1)
    with listening(limits=limits) as server, RawHttp2(server.port) as client:
        burst = b""
        for _ in range(200):
            stream = client.next_stream
            client.next_stream += 2
            burst += frame(HEADERS, END_HEADERS | END_STREAM, stream, client.head("GET", "/gate/rapid"))
            burst += frame(RST_STREAM, 0, stream, struct.pack(">I", 8))
        client.send(burst)
        client.wait_closed()
        assert client.goaways[-1][1] == ENHANCE_YOUR_CALM
        assert server.probe.most_running <= limits.max_streams
        server.probe.gate("/gate/rapid").set()
        until(lambda: server.probe.running == 0, "the handlers to end")


def test_ignoring_the_stream_limit_ends_the_connection() -> None:
    limits = Limits(max_streams=2, reset_burst=50, reset_per_second=1)
    with listening(limits=limits) as server, RawHttp2(server.port) as client:
        for _ in range(100):
            stream = client.next_stream
            client.next_stream += 2
            block = client.head("GET", "/gate/limit")
            try:
                client.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block))
            except ConnectionError:
                break
        client.wait_closed()
        assert client.goaways[-1][1] == ENHANCE_YOUR_CALM
        assert server.probe.most_running == 2


def test_a_continuation_flood_ends_the_connection() -> None:
    with listening() as server, RawHttp2(server.port) as client:
        client.send(frame(HEADERS, END_STREAM, 1, client.head("GET", "/")) + frame(CONTINUATION, 0, 1) * 100)
        client.wait_closed()
        assert client.goaways[-1][1] == ENHANCE_YOUR_CALM


def test_a_header_block_beyond_the_limit_ends_the_connection() -> None:
    with listening() as server, RawHttp2(server.port) as client:
        client.send(frame(HEADERS, END_STREAM, 1, bytes(60_000)) + frame(CONTINUATION, 0, 1, bytes(10_000)))
        client.wait_closed()
        assert client.goaways[-1][1] == ENHANCE_YOUR_CALM


def test_a_header_list_that_inflates_ends_the_connection() -> None:
    """A few bytes that stand for many: one large entry of the dynamic table, named again and again."""
    with listening() as server, RawHttp2(server.port) as client:
        block = client.head("GET", "/", [("x-bomb", "b" * 3000)]) + b"\xbe" * 100
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block))
        client.wait_closed()
        assert client.goaways[-1][1] == ENHANCE_YOUR_CALM


BROKEN = {
    "data on stream 0": (frame(DATA, 0, 0, b"x"), PROTOCOL_ERROR),
    "data on an idle stream": (frame(DATA, 0, 9, b"x"), PROTOCOL_ERROR),
    "window update on an idle stream": (frame(WINDOW_UPDATE, 0, 9, struct.pack(">I", 1)), PROTOCOL_ERROR),
    "headers on stream 0": (frame(HEADERS, END_HEADERS, 0, b"\x82"), PROTOCOL_ERROR),
    "headers on an even stream": (
        frame(HEADERS, END_HEADERS | END_STREAM, 2, b"\x82\x84\x86\x41\x01a"),
        PROTOCOL_ERROR,
    ),
    "continuation out of nowhere": (frame(CONTINUATION, END_HEADERS, 1, b""), PROTOCOL_ERROR),
    "a frame inside a header block": (frame(HEADERS, 0, 1, b"\x82") + frame(PING, 0, 0, bytes(8)), PROTOCOL_ERROR),
    "another stream inside a header block": (
        frame(HEADERS, 0, 1, b"\x82") + frame(CONTINUATION, END_HEADERS, 3, b""),
        PROTOCOL_ERROR,
    ),
    "broken hpack": (frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff\xff\xff\xff\xff\xff"), PROTOCOL_ERROR),
    "a push promise": (frame(PUSH_PROMISE, END_HEADERS, 1, struct.pack(">I", 2) + b"\x82"), PROTOCOL_ERROR),
    "too much padding": (frame(HEADERS, END_HEADERS, 1, b"\x82") + frame(DATA, PADDED, 1, b"\x05abc"), PROTOCOL_ERROR),
    "a frame beyond the limit": (struct.pack(">HBBBI", 0x0400, 1, DATA, 0, 1), FRAME_SIZE_ERROR),
    "a ping of 7 bytes": (frame(PING, 0, 0, bytes(7)), None),
    "settings of 5 bytes": (frame(SETTINGS, 0, 0, bytes(5)), None),
    "settings on a stream": (frame(SETTINGS, 0, 1), PROTOCOL_ERROR),
    "a wrong setting": (frame(SETTINGS, 0, 0, struct.pack(">HI", 5, 1)), PROTOCOL_ERROR),
    "a window update of 3 bytes": (frame(WINDOW_UPDATE, 0, 0, bytes(3)), FRAME_SIZE_ERROR),
    "a reset of 3 bytes": (frame(HEADERS, END_HEADERS, 1, b"\x82") + frame(RST_STREAM, 0, 1, bytes(3)), None),
    "a goaway of 3 bytes": (frame(GOAWAY, 0, 0, bytes(3)), None),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_rule_ends_the_connection_with_goaway(kind: str) -> None:
    data, code = BROKEN[kind]
    with listening() as server, RawHttp2(server.port) as client:
        client.ping()
        client.send(data)
        client.wait_closed()
        assert client.goaways
        assert code is None or client.goaways[-1][1] == code
        assert client.goaways[-1][1] != 0


def test_the_first_frame_must_be_settings() -> None:
    with listening() as server, server.connect() as connection:
        connection.sendall(PREFACE + frame(PING, 0, 0, bytes(8)))
        received = b""
        while data := connection.recv(65536):
            received += data
        assert frame(GOAWAY, 0, 0, struct.pack(">II", 0, PROTOCOL_ERROR))[3:17] in received


def test_a_large_unknown_frame_is_skipped() -> None:
    with listening() as server, RawHttp2(server.port) as client:
        client.send(frame(0x99, 0xFF, 0, bytes(200_000)))
        assert client.reply(client.request("GET", "/bytes/1")).status == 200


def test_an_unasked_settings_acknowledgement_is_harmless() -> None:
    with listening() as server, RawHttp2(server.port) as client:
        client.send(frame(SETTINGS, ACK, 0) * 3)
        assert client.reply(client.request("GET", "/bytes/1")).status == 200


def test_an_idle_connection_is_closed_in_peace() -> None:
    with listening(limits=Limits(idle_seconds=0.3)) as server, RawHttp2(server.port) as client:
        client.reply(client.request("GET", "/bytes/1"))
        client.wait(lambda: client.goaways, "GOAWAY")
        assert client.goaways[0][1] == 0
        client.send(frame(PING, ACK, 0, client.pings[0]))
        client.wait_closed()


def test_a_silent_peer_is_asked_and_then_given_up() -> None:
    with listening(limits=Limits(ping_seconds=0.3)) as server, RawHttp2(server.port) as client:
        client.request("GET", "/gate/silent")
        began = time.monotonic()
        client.wait(lambda: client.pings, "PING")
        client.wait_closed()
        assert time.monotonic() - began < 5
        server.probe.gate("/gate/silent").set()


def test_a_peer_that_answers_pings_is_kept() -> None:
    with listening(limits=Limits(ping_seconds=0.2)) as server, RawHttp2(server.port) as client:
        stream = client.request("GET", "/gate/alive")
        for count in range(1, 4):
            client.wait(lambda: len(client.pings) >= count, "PING")  # noqa: B023 - called at once
            client.send(frame(PING, ACK, 0, client.pings[-1]))
        server.probe.gate("/gate/alive").set()
        assert client.reply(stream).status == 200


def test_a_peer_that_does_not_read_is_cut_off() -> None:
    limits = Limits(stall_seconds=0.4, ping_seconds=60)
    with listening(limits=limits) as server:
        with RawHttp2(server.port, {4: 2**31 - 1}) as client:
            path = "/bytes/200000000/1000000"
            client.request("GET", path)
            until(lambda: server.probe.ended.get(path) == "ClientGone", "the connection to be cut off")
            assert server.probe.sent[path] < 100_000_000
