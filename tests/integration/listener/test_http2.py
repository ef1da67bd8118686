"""HTTP/2 over real sockets: requests, replies, and what ends a stream without ending its neighbours."""

from __future__ import annotations

from collections.abc import Iterator

import h2.config
import h2.connection
import h2.events
import pytest

from tests.support.listener import Running, listening, pattern, until
from tests.support.raw_http2 import (
    CONTINUATION,
    DATA,
    ENABLE_PUSH,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    MAX_CONCURRENT_STREAMS,
    MAX_FRAME_SIZE,
    MAX_HEADER_LIST_SIZE,
    PADDED,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    RawHttp2,
    frame,
)

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, STREAM_CLOSED, REFUSED_STREAM = 0, 1, 2, 5, 7


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def server(request: pytest.FixtureRequest) -> Iterator[Running]:
    with listening(loop=request.param) as running:
        yield running


@pytest.fixture
def client(server: Running) -> Iterator[RawHttp2]:
    with RawHttp2(server.port) as raw:
        yield raw


def test_get(client: RawHttp2) -> None:
    reply = client.reply(client.request("GET", "/bytes/1000"))
    assert reply.status == 200
    assert reply.heads[0]["content-length"] == "1000"
    assert bytes(reply.body) == pattern(1000)


def test_a_small_reply_is_two_frames_in_one_segment(server: Running) -> None:
    with RawHttp2(server.port) as client:
        client.ping()
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, client.head("GET", "/bytes/100")))
        data = client.socket.recv(1 << 16)
        kinds = []
        while data:
            length = int.from_bytes(data[:3], "big")
            kinds.append((data[3], data[4] & END_STREAM))
            data = data[9 + length :]
        assert kinds == [(HEADERS, 0), (DATA, END_STREAM)]


@pytest.mark.parametrize("size", [0, 1, 16384, 16385, 1_000_000, 20_000_000])
def test_sizes_both_ways(client: RawHttp2, size: int) -> None:
    body = pattern(size)
    stream = client.request("PUT", "/echo", [("content-length", str(size))], end=not size)
    if size:
        client.upload(stream, body)
    reply = client.reply(stream)
    assert reply.status == 200
    assert bytes(reply.body) == body


def test_head_has_no_body(client: RawHttp2) -> None:
    reply = client.reply(client.request("HEAD", "/bytes/1000"))
    assert reply.heads[0]["content-length"] == "1000"
    assert not reply.body
    assert reply.frames == [HEADERS]


def test_scope(server: Running, client: RawHttp2) -> None:
    client.reply(client.request("GET", "/echo/a%20b%2Fc/%C3%A9//x?b=1&a=%20", [("cookie", "a=1"), ("cookie", "b=2")]))
    scope = server.probe.scopes["/echo/a b/c/é//x"]
    assert scope["raw_path"] == b"/echo/a%20b%2Fc/%C3%A9//x"
    assert scope["query_string"] == b"b=1&a=%20"
    assert scope["http_version"] == "2"
    assert scope["method"] == "GET"
    assert scope["headers"] == [(b"host", b"test"), (b"cookie", b"a=1; b=2")]
    assert scope["client"][0] == "127.0.0.1"
    assert scope["server"] == ("127.0.0.1", server.port)


def test_many_streams_at_once(client: RawHttp2) -> None:
    streams = {client.request("GET", f"/bytes/{size}"): size for size in range(0, 100_000, 1000)}
    for stream, size in streams.items():
        assert bytes(client.reply(stream).body) == pattern(size)


def test_the_h2_library_finds_nothing_wrong(server: Running) -> None:
    """A strict client: any frame of ours out of place raises."""
    with server.connect() as connection:
        client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        client.initiate_connection()
        for stream, size in ((1, 3), (3, 100_000), (5, 0)):
            head = [(":method", "GET"), (":scheme", "http"), (":authority", "test"), (":path", f"/bytes/{size}")]
            client.send_headers(stream, head, end_stream=True)
        head = [(":method", "PUT"), (":scheme", "http"), (":authority", "test"), (":path", "/echo")]
        client.send_headers(7, head)
        client.send_data(7, b"body", end_stream=True)
        bodies = dict.fromkeys((1, 3, 5, 7), b"")
        ended = set()
        while len(ended) < len(bodies):
            connection.sendall(client.data_to_send())
            for event in client.receive_data(connection.recv(65536)):
                if isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] += event.data
                    client.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    ended.add(event.stream_id)
        assert bodies == {1: pattern(3), 3: pattern(100_000), 5: b"", 7: b"body"}


def test_expect_100_continue(server: Running, client: RawHttp2) -> None:
    path = "/slow/expect"
    stream = client.request("PUT", path, [("expect", "100-continue"), ("content-length", "4")], end=False)
    client.ping()
    assert not client.replies[stream].heads, "100 before the application asked for the body"
    server.probe.gate(path).set()
    client.wait(lambda: client.replies[stream].heads, "100 Continue")
    assert client.replies[stream].heads == [{":status": "100"}]
    client.data(stream, b"body", end=True)
    assert client.reply(stream).status == 200


def test_padding_is_removed_and_its_window_given_back(client: RawHttp2) -> None:
    stream = client.request("PUT", "/echo", end=False)
    for _ in range(40):
        client.send(frame(DATA, PADDED, stream, bytes([255]) + b"ab" + bytes(255)))
    client.data(stream, b"", end=True)
    assert bytes(client.reply(stream).body) == b"ab" * 40


def test_a_header_block_in_pieces(client: RawHttp2) -> None:
    block = client.head("GET", "/headers", [("x-long", "v" * 40_000)])
    client.send(frame(HEADERS, END_STREAM, 1, block[:16000]))
    client.send(frame(CONTINUATION, 0, 1, block[16000:32000]))
    client.send(frame(CONTINUATION, END_HEADERS, 1, block[32000:]))
    client.wait(lambda: 1 in client.replies and client.replies[1].over, "the reply")
    assert b"x-long: " + b"v" * 40_000 in client.replies[1].body


def test_request_trailers_end_the_body(client: RawHttp2) -> None:
    stream = client.request("PUT", "/echo", end=False)
    client.data(stream, b"body")
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, client.block([("x-checksum", "1")])))
    assert bytes(client.reply(stream).body) == b"body"


@pytest.mark.parametrize(
    "headers",
    [
        [(":method", "GET"), (":scheme", "http"), (":authority", "test")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "test"), (":path", "bytes")],
        [(":method", "GET"), (":scheme", "http"), (":path", "/bytes/1")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/bytes/1"), ("host", "b")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/bytes/1"), ("Upper", "b")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/bytes/1"), ("connection", "close")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/bytes/1"), ("content-length", "x")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/bytes/1"), ("content-length", "5")],
        [(":method", "CONNECT"), (":authority", "a")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/bytes/1"), ("x", "a\r\nb: c")],
    ],
)
def test_a_malformed_request_ends_its_stream_alone(client: RawHttp2, headers: list[tuple[str, str]]) -> None:
    neighbour = client.request("PUT", "/echo", end=False)
    stream = client.next_stream
    client.next_stream += 2
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, client.block(headers)))
    client.wait(lambda: stream in client.replies, "the reset")
    assert client.reply(stream).reset == PROTOCOL_ERROR
    client.data(neighbour, b"fine", end=True)
    assert bytes(client.reply(neighbour).body) == b"fine"
    assert not client.goaways


@pytest.mark.parametrize(("announced", "sent"), [(3, b"four"), (5, b"four")])
def test_a_body_of_another_length_resets_the_stream(
    server: Running, client: RawHttp2, announced: int, sent: bytes
) -> None:
    path = f"/count/{announced}"
    stream = client.request("PUT", path, [("content-length", str(announced))], end=False)
    client.data(stream, sent, end=True)
    assert client.reply(stream).reset == PROTOCOL_ERROR
    until(lambda: server.probe.ended.get(path + "#body") == "disconnected", "the application to be told")
    assert client.reply(client.request("GET", "/bytes/1")).status == 200


def test_data_after_the_end_resets_the_stream(server: Running, client: RawHttp2) -> None:
    path = "/gate/late-data"
    stream = client.request("GET", path)
    client.data(stream, b"late")
    assert client.reply(stream).reset == STREAM_CLOSED
    server.probe.gate(path).set()
    assert client.reply(client.request("GET", "/bytes/1")).status == 200


def test_a_cancelled_request_tells_the_application(server: Running, client: RawHttp2) -> None:
    path = "/count/cancelled"
    stream = client.request("PUT", path, end=False)
    client.data(stream, b"some")
    until(lambda: server.probe.received.get(path), "the body to arrive")
    client.reset(stream)
    until(lambda: server.probe.ended.get(path + "#body") == "disconnected", "the application to be told")


def test_sending_to_a_client_that_cancelled_raises(server: Running) -> None:
    with RawHttp2(server.port, windows=False) as client:
        path = "/bytes/100000000/65536"
        stream = client.request("GET", path)
        client.wait(lambda: client.replies[stream].body, "the first bytes")
        client.reset(stream)
        until(lambda: server.probe.ended.get(path) == "ClientGone", "the application to be stopped")
        assert server.probe.sent[path] < 10_000_000


def test_a_lost_connection_tells_the_applications(server: Running) -> None:
    paths = ["/count/lost", "/bytes/90000000/65536"]
    with RawHttp2(server.port, windows=False) as client:
        client.request("PUT", paths[0], end=False)
        client.request("GET", paths[1])
        until(lambda: server.probe.sent.get(paths[1]) and paths[0] in server.probe.scopes, "both to run")
    until(lambda: server.probe.ended.get(paths[0] + "#body") == "disconnected", "the reader to be told")
    until(lambda: server.probe.ended.get(paths[1]) == "ClientGone", "the writer to be told")


@pytest.mark.parametrize("path", ["/raise", "/silent", "/inject"])
def test_an_application_that_fails_early(client: RawHttp2, path: str) -> None:
    assert client.reply(client.request("GET", path)).status == 500


def test_an_application_that_fails_midway(client: RawHttp2) -> None:
    assert client.reply(client.request("GET", "/raise-late")).reset == INTERNAL_ERROR
    assert client.reply(client.request("GET", "/bytes/1")).status == 200


def test_an_early_answer_drains_a_small_body(client: RawHttp2) -> None:
    """A client busy sending sees its answer; the stream ends in peace."""
    stream = client.request("PUT", "/refuse", [("content-length", "100000")], end=False)
    client.data(stream, bytes(50_000))
    client.wait(lambda: client.replies[stream].ended, "the early answer")
    client.data(stream, bytes(50_000), end=True)
    client.ping()
    reply = client.replies[stream]
    assert (reply.status, bytes(reply.body), reply.reset) == (403, b"no", None)


def test_an_early_answer_stops_a_large_body(client: RawHttp2) -> None:
    stream = client.request("PUT", "/refuse", end=False)
    client.wait(lambda: client.replies[stream].ended, "the early answer")
    client.replies[stream].ended = False
    client.upload(stream, bytes(20_000_000))
    assert client.replies[stream].reset == NO_ERROR
    assert client.replies[stream].status == 403
    assert client.spent[stream] < 4_000_000
    assert client.reply(client.request("GET", "/bytes/1")).status == 200


def test_an_early_answer_does_not_wait_for_a_silent_client(client: RawHttp2) -> None:
    stream = client.request("PUT", "/refuse", end=False)
    client.wait(lambda: client.replies[stream].ended, "the early answer")
    client.wait(lambda: client.replies[stream].reset == NO_ERROR, "the request to be given up")


def test_preface_byte_by_byte(server: Running) -> None:
    with server.connect() as connection:
        start = PREFACE + frame(SETTINGS, 0, 0)
        for at in range(len(start)):
            connection.sendall(start[at : at + 1])
        assert connection.recv(9)[3] == SETTINGS


def test_advertised_settings(client: RawHttp2) -> None:
    client.wait(lambda: client.settings, "SETTINGS")
    assert client.settings == {
        ENABLE_PUSH: 0,
        MAX_CONCURRENT_STREAMS: 128,
        INITIAL_WINDOW_SIZE: 1 << 20,
        MAX_FRAME_SIZE: 256 * 1024,
        MAX_HEADER_LIST_SIZE: 64 * 1024,
    }


def test_frames_for_a_stream_that_is_over_are_harmless(client: RawHttp2) -> None:
    stream = client.request("GET", "/bytes/1")
    client.reply(stream)
    client.window_update(stream, 1000)
    client.reset(stream)
    client.send(frame(DATA, 0, stream, b"late"))
    assert client.reply(client.request("GET", "/bytes/1")).status == 200
    assert RST_STREAM not in client.replies[stream].frames
