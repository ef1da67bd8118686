"""Windows: a stalled stream holds little and stalls only itself; what is not consumed is not acknowledged."""

from __future__ import annotations

import resource

import pytest

from anvil_site.listener.limits import Limits
from tests.support.listener import listening, pattern, until
from tests.support.raw_http2 import (
    DATA,
    INITIAL_WINDOW_SIZE,
    MAX_FRAME_SIZE,
    RST_STREAM,
    SETTINGS,
    RawHttp2,
    frame,
    settings_payload,
)

FLOW_CONTROL_ERROR, CANCEL, PROTOCOL_ERROR = 3, 8, 1
MIB = 1 << 20


def _resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def test_a_stalled_download_holds_little_and_stalls_only_itself() -> None:
    with listening() as server, RawHttp2(server.port, {INITIAL_WINDOW_SIZE: 65535}, windows=False) as client:
        path = f"/bytes/{1 << 30}/{MIB}"
        stalled = client.request("GET", path)
        client.wait(lambda: len(client.replies[stalled].body) == 65535, "the window to be used up")
        before = _resident_bytes()
        for _ in range(20):
            assert client.reply(client.request("GET", "/bytes/30000")).status == 200
        assert len(client.replies[stalled].body) == 65535
        assert server.probe.sent[path] <= 2 * MIB, "the application was let run ahead of the client"
        assert _resident_bytes() - before < 32 * MIB
        client.window_update(stalled, 100_000)
        client.wait(lambda: len(client.replies[stalled].body) == 165_535, "the stream to go on")
        assert bytes(client.replies[stalled].body) == pattern(165_535)


def test_a_closed_connection_window_stops_all_data_and_then_lets_it_go() -> None:
    settings = {INITIAL_WINDOW_SIZE: 1 << 30}
    with listening() as server, RawHttp2(server.port, settings, windows=False, connection_window=65535) as client:
        streams = [client.request("GET", "/bytes/1000000") for _ in range(3)]
        client.wait(lambda: sum(len(client.replies[stream].body) for stream in streams) == 65535, "the window to fill")
        assert client.reply(client.request("HEAD", "/bytes/5")).status == 200, "a reply without a body needs no window"
        client.window_update(0, 1 << 30)
        for stream in streams:
            assert bytes(client.reply(stream).body) == pattern(1_000_000)


def test_a_window_opened_by_settings() -> None:
    with listening() as server, RawHttp2(server.port, {INITIAL_WINDOW_SIZE: 0}, windows=False) as client:
        stream = client.request("GET", "/bytes/5000")
        client.ping()
        assert not client.replies[stream].body
        client.send(frame(SETTINGS, 0, 0, settings_payload({INITIAL_WINDOW_SIZE: 65535})))
        assert bytes(client.reply(stream).body) == pattern(5000)


def test_a_window_made_negative_by_settings() -> None:
    with listening() as server, RawHttp2(server.port, {INITIAL_WINDOW_SIZE: 10_000}, windows=False) as client:
        stream = client.request("GET", "/bytes/30000")
        client.wait(lambda: len(client.replies[stream].body) == 10_000, "the first window")
        client.send(frame(SETTINGS, 0, 0, settings_payload({INITIAL_WINDOW_SIZE: 1000})))
        client.ping()
        client.window_update(stream, 9000)
        client.ping()
        assert len(client.replies[stream].body) == 10_000
        client.window_update(stream, 20_000)
        assert bytes(client.reply(stream).body) == pattern(30_000)


def test_large_frames_where_the_client_allows_them() -> None:
    settings = {MAX_FRAME_SIZE: 1 << 18, INITIAL_WINDOW_SIZE: 1 << 24}
    with listening() as server, RawHttp2(server.port, settings) as client:
        reply = client.reply(client.request("GET", f"/bytes/{4 * MIB}/{MIB}"))
        assert bytes(reply.body) == pattern(4 * MIB)
        assert reply.frames.count(DATA) <= 16


def test_large_replies_share_the_connection() -> None:
    """A queue of turns, not first come first served: the second one is not behind all of the first."""
    with listening() as server, RawHttp2(server.port, {INITIAL_WINDOW_SIZE: 1 << 30}) as client:
        first = client.request("GET", f"/bytes/{64 * MIB}/{MIB}")
        second = client.request("GET", f"/bytes/{4 * MIB}/{MIB}")
        client.reply(second)
        assert len(client.replies[first].body) < 48 * MIB
        client.reply(first, 30)


def test_an_upload_nobody_reads_is_held_within_its_window() -> None:
    limits = Limits(stream_window_bytes=256 * 1024)
    with listening(limits=limits) as server, RawHttp2(server.port) as client:
        path = "/slow/upload"
        client.wait(lambda: client.settings, "SETTINGS")
        stalled = client.request("PUT", path, end=False)
        client.data(stalled, bytes(256 * 1024))
        client.ping()
        assert client.window_updates.get(stalled, 0) == 0, "acknowledged what nobody has consumed"
        other = client.request("PUT", "/count/other", end=False)
        client.upload(other, bytes(30 * MIB))
        assert bytes(client.reply(other).body) == str(30 * MIB).encode(), "the stalled stream stalled its neighbour"
        server.probe.gate(path).set()
        client.wait(lambda: client.window_updates.get(stalled), "the window after consumption")
        client.data(stalled, b"", end=True)
        assert bytes(client.reply(stalled).body) == str(256 * 1024).encode()


def test_more_than_the_streams_window_resets_the_stream() -> None:
    limits = Limits(stream_window_bytes=65535)
    with listening(limits=limits) as server, RawHttp2(server.port) as client:
        stream = client.request("PUT", "/slow/overrun", end=False)
        client.data(stream, bytes(70_000))
        assert client.reply(stream).reset == FLOW_CONTROL_ERROR
        assert client.reply(client.request("GET", "/bytes/1")).status == 200


def test_tiny_pieces_of_an_upload_do_not_cost_much() -> None:
    """One-byte frames: what is held is near what was sent, not a read buffer for each."""
    with listening() as server, RawHttp2(server.port) as client:
        path = "/slow/tiny"
        client.wait(lambda: client.settings, "SETTINGS")
        stream = client.request("PUT", path, end=False)
        client.ping()
        before = _resident_bytes()
        one = frame(DATA, 0, stream, b"x")
        for _ in range(20):
            client.send(one * 10_000)
        client.ping()
        assert _resident_bytes() - before < 16 * MIB
        server.probe.gate(path).set()
        client.data(stream, b"", end=True)
        assert bytes(client.reply(stream).body) == b"200000"


@pytest.mark.parametrize(("stream", "increment"), [(0, 0), (0, 2**31 - 1)])
def test_a_wrong_connection_window_update_ends_the_connection(stream: int, increment: int) -> None:
    with listening() as server, RawHttp2(server.port, connection_window=70_000) as client:
        client.window_update(stream, increment)
        client.wait_closed()
        assert client.goaways[-1][1] == (FLOW_CONTROL_ERROR if increment else PROTOCOL_ERROR)


@pytest.mark.parametrize(("increment", "code"), [(0, PROTOCOL_ERROR), (2**31 - 1, FLOW_CONTROL_ERROR)])
def test_a_wrong_stream_window_update_resets_the_stream(increment: int, code: int) -> None:
    settings = {INITIAL_WINDOW_SIZE: 1 << 20}
    with listening() as server, RawHttp2(server.port, settings, windows=False, connection_window=65535) as client:
        stream = client.request("GET", "/bytes/1000000")
        client.wait(lambda: client.replies[stream].body, "the first bytes")
        client.window_update(stream, increment)
        assert client.reply(stream).reset == code
        assert client.reply(client.request("HEAD", "/bytes/1")).status == 200


def test_a_stream_stalled_for_too_long_is_reset() -> None:
    limits = Limits(stall_seconds=0.3)
    with listening(limits=limits) as server:
        with RawHttp2(server.port, {INITIAL_WINDOW_SIZE: 1000}, windows=False) as client:
            path = "/bytes/100000/50000"
            download = client.request("GET", path)
            upload = client.request("PUT", "/count/stalled", end=False)
            assert client.reply(download).reset == CANCEL
            assert client.reply(upload).reset == CANCEL
            until(lambda: server.probe.ended.get(path) == "ClientGone", "the application to be stopped")
            assert client.replies[upload].frames == [RST_STREAM]


def test_a_slow_application_is_not_a_stalled_client() -> None:
    limits = Limits(stall_seconds=0.2)
    with listening(limits=limits) as server, RawHttp2(server.port) as client:
        path = "/gate/slow-application"
        stream = client.request("GET", path)
        client.drain(0.8)
        server.probe.gate(path).set()
        assert bytes(client.reply(stream).body) == b"through"
