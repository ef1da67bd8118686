"""HTTP/1.1 over real sockets: one segment for a small reply, and what a request may and may not be."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.listener import Running, listening, pattern, reply, until
from tests.support.raw_http1 import RawHttp1


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def server(request: pytest.FixtureRequest) -> Iterator[Running]:
    with listening(loop=request.param) as running:
        yield running


@pytest.fixture
def client(server: Running) -> Iterator[RawHttp1]:
    with RawHttp1(server.port) as raw:
        yield raw


@pytest.mark.parametrize("size", [0, 1, 1000, 32 * 1024, 100_000, 5_000_000])
def test_get(client: RawHttp1, size: int) -> None:
    client.request("GET", f"/bytes/{size}")
    answer = client.reply()
    assert (answer.status, answer.body) == (200, pattern(size))


def test_nagle_is_off(server: Running) -> None:
    """Else the second write of a reply would wait for the acknowledgement of the first."""
    options: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await reply(send, 200, b"")

    with listening(app) as other, RawHttp1(other.port) as client:
        client.request("GET", "/")
        client.reply()

        def look() -> None:
            assert other.server is not None
            for connection in other.server.server_state.connections:
                found: socket.socket = connection.transport.get_extra_info("socket")  # type: ignore[union-attr]
                options.append(found.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

        other.on_loop(look)
    assert options == [1]


def test_a_small_reply_is_one_segment(server: Running) -> None:
    """One `recv` with room for all gets all, a hundred times: head and body were one write."""
    with server.connect() as connection:
        for _ in range(100):
            connection.sendall(b"GET /bytes/1000 HTTP/1.1\r\nHost: test\r\n\r\n")
            data = connection.recv(1 << 16)
            assert data.endswith(b"\r\n\r\n" + pattern(1000))


def test_keep_alive_and_scope(server: Running, client: RawHttp1) -> None:
    for _ in range(3):
        client.request("GET", "/echo/a%20b%2Fc//x?b=1&a=%20", "Cookie: a=1\r\n")
        assert client.reply().status == 200
    scope = server.probe.scopes["/echo/a b/c//x"]
    assert scope["raw_path"] == b"/echo/a%20b%2Fc//x"
    assert scope["query_string"] == b"b=1&a=%20"
    assert scope["http_version"] == "1.1"
    assert scope["headers"] == [(b"host", b"test"), (b"cookie", b"a=1")]


@pytest.mark.parametrize("target", ["//double//slash", "/a?", "/?x=%2F", "/a+b~c", "/a;b=c"])
def test_the_raw_path_is_untouched(server: Running, client: RawHttp1, target: str) -> None:
    client.request("GET", target)
    client.reply()
    raw_path, _, query = target.encode().partition(b"?")
    scope = list(server.probe.scopes.values())[-1]
    assert (scope["raw_path"], scope["query_string"]) == (raw_path, query)


def test_absolute_form(server: Running, client: RawHttp1) -> None:
    client.send(b"GET http://test/bytes/5?x HTTP/1.1\r\nHost: test\r\n\r\n")
    assert client.reply().body == pattern(5)


def test_upload_with_length(client: RawHttp1) -> None:
    body = pattern(3_000_000)
    client.request("PUT", "/echo", f"Content-Length: {len(body)}\r\n", body)
    assert client.reply().body == body


def test_upload_in_chunks(client: RawHttp1) -> None:
    body = pattern(300_000)
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(body[at : at + 777]), body[at : at + 777]) for at in range(0, 300_000, 777)
    )
    client.request("PUT", "/echo", "Transfer-Encoding: chunked\r\n", chunks + b"0\r\n\r\n")
    assert client.reply().body == body


def test_pipelined_requests_are_answered_in_order(client: RawHttp1) -> None:
    client.send(b"".join(b"GET /bytes/%d HTTP/1.1\r\nHost: test\r\n\r\n" % size for size in range(20)))
    for size in range(20):
        assert client.reply().body == pattern(size)


def test_pipelining_behind_an_upload(client: RawHttp1) -> None:
    put = b"PUT /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\n"
    client.send(put + b"bodyGET /bytes/3 HTTP/1.1\r\nHost: test\r\n\r\n" + put + b"last")
    assert [client.reply().body for _ in range(3)] == [b"body", pattern(3), b"last"]


def test_head(client: RawHttp1) -> None:
    client.request("HEAD", "/bytes/1000")
    assert client.reply(head=True).headers["content-length"] == "1000"
    client.request("GET", "/bytes/1")
    assert client.reply().body == b"\0"


def test_expect_100_continue(server: Running, client: RawHttp1) -> None:
    path = f"/slow/expect{client.socket.getsockname()[1]}"
    client.request("PUT", path, "Expect: 100-continue\r\nContent-Length: 4\r\n")
    until(lambda: path in server.probe.scopes, "the request to arrive")
    client.socket.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.socket.recv(1)
    client.socket.settimeout(10)
    server.probe.gate(path).set()
    assert client.reply().status == 100
    client.send(b"body")
    assert client.reply().body == b"4"


def test_a_refusal_instead_of_100_continue_closes(client: RawHttp1) -> None:
    """The client may send the body or not: what follows on this connection could be either."""
    client.request("PUT", "/refuse", "Expect: 100-continue\r\nContent-Length: 4\r\n")
    answer = client.reply()
    assert (answer.status, answer.headers["connection"]) == (403, "close")
    assert client.wait_closed() == b""


def test_an_early_answer_drains_a_small_body(client: RawHttp1) -> None:
    client.request("PUT", "/refuse", "Content-Length: 1000000\r\n", bytes(500_000))
    assert client.reply().status == 403
    client.send(bytes(500_000))
    client.request("GET", "/bytes/2")
    assert client.reply().body == pattern(2)


def test_an_early_answer_cuts_a_large_body(client: RawHttp1) -> None:
    client.request("PUT", "/refuse", "Content-Length: 1000000000\r\n")
    assert client.reply().status == 403
    sent = 0
    with pytest.raises(ConnectionError):
        while sent < 100_000_000:
            sent += client.socket.send(bytes(1 << 20))
    assert sent < 20_000_000


def test_an_early_answer_does_not_wait_for_a_silent_client(client: RawHttp1) -> None:
    client.request("PUT", "/refuse", "Content-Length: 1000000000\r\n")
    assert client.reply().status == 403
    assert client.wait_closed() == b""


def test_a_lost_client_tells_the_application(server: Running) -> None:
    with RawHttp1(server.port) as client:
        client.request("PUT", "/count/lost", "Content-Length: 100\r\n", b"some")
        until(lambda: server.probe.received.get("/count/lost"), "the body to arrive")
    until(lambda: server.probe.ended.get("/count/lost#body") == "disconnected", "the application to be told")


def test_sending_to_a_lost_client_raises(server: Running) -> None:
    path = "/bytes/200000000/1000000"
    with RawHttp1(server.port) as client:
        client.request("GET", path)
        client.socket.recv(1000)
    until(lambda: server.probe.ended.get(path) == "ClientGone", "the application to be stopped")
    assert server.probe.sent[path] < 100_000_000


@pytest.mark.parametrize("path", ["/raise", "/silent", "/inject"])
def test_an_application_that_fails_early(client: RawHttp1, path: str) -> None:
    client.request("GET", path)
    answer = client.reply()
    assert (answer.status, answer.headers["connection"]) == (500, "close")
    assert client.wait_closed() == b""


@pytest.mark.parametrize("path", ["/raise-late", "/short"])
def test_an_application_that_fails_midway(client: RawHttp1, path: str) -> None:
    client.request("GET", path)
    assert client.wait_closed().endswith(b"\r\n\r\nhalf")


BROKEN = {
    "PRI": (b"PRI / HTTP/1.1\r\nHost: test\r\n\r\n", 400),
    "a preface that goes wrong": (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), 400),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "a space before the colon": (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    "a folded header": (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
    "both lengths": (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    "a length that is none": (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3x\r\n\r\n", 400),
    "two lengths": (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400),
    "a tunnel": (b"CONNECT test:443 HTTP/1.1\r\nHost: test\r\n\r\n", 405),
    "a long path": (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "a long header": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    "an endless path": (b"GET /" + b"a" * 700_000, 414),
    "an endless header": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 700_000, 431),
    "many headers": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 300 + b"\r\n", 431),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_request_is_refused(client: RawHttp1, kind: str) -> None:
    data, status = BROKEN[kind]
    client.send(data)
    answer = client.reply()
    assert (answer.status, answer.headers["connection"]) == (status, "close")
    assert client.wait_closed() == b""


def test_garbage_behind_a_request_does_not_spoil_its_reply(server: Running, client: RawHttp1) -> None:
    path = f"/gate/garbage{client.socket.getsockname()[1]}"
    client.request("GET", path)
    until(lambda: path in server.probe.scopes, "the request to arrive")
    client.send(b"\x00garbage\r\n\r\n")
    server.probe.gate(path).set()
    assert client.reply().body == b"through"
    assert client.wait_closed() == b""


def test_a_body_that_goes_wrong_is_refused(server: Running, client: RawHttp1) -> None:
    path = f"/count/wrong{client.socket.getsockname()[1]}"
    client.request("PUT", path, "Transfer-Encoding: chunked\r\n", b"4\r\nbody\r\n")
    until(lambda: server.probe.received.get(path), "the body to arrive")
    client.send(b"zz\r\n")
    assert client.reply().status == 400
    until(lambda: server.probe.ended.get(path + "#body") == "disconnected", "the application to be told")


@pytest.mark.parametrize("upgrade", ["h2c", "websocket"])
def test_an_upgrade_is_ignored(client: RawHttp1, upgrade: str) -> None:
    """Also with a body, which llhttp skips then, and the connection goes on."""
    ask = f"Connection: Upgrade\r\nUpgrade: {upgrade}\r\n"
    client.request("GET", "/bytes/3", ask)
    client.request("PUT", "/echo", f"{ask}Content-Length: 4\r\n", b"body")
    client.request("PUT", "/echo", f"{ask}Content-Length: 100000\r\n", pattern(100_000))
    client.request("GET", "/bytes/5")
    assert [client.reply().body for _ in range(4)] == [pattern(3), b"body", pattern(100_000), pattern(5)]


def test_an_upgrade_with_a_chunked_body_is_refused(client: RawHttp1) -> None:
    ask = "Connection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n"
    client.request("PUT", "/count/upgrade", ask, b"4\r\nbody\r\n0\r\n\r\n")
    assert client.reply().status == 501


def test_connection_upgrade_without_upgrade(client: RawHttp1) -> None:
    """What the nginx configuration of many handbooks sends with every request."""
    client.request("PUT", "/echo", "Connection: Upgrade\r\nContent-Length: 4\r\n", b"body")
    assert client.reply().body == b"body"
    client.request("GET", "/bytes/1", "Connection: Upgrade\r\n")
    assert client.reply().body == b"\0"


def test_http_1_0(client: RawHttp1) -> None:
    client.send(b"GET /bytes/4 HTTP/1.0\r\n\r\n")
    assert client.reply().body == pattern(4)
    assert client.wait_closed() == b""


def test_a_reply_without_length_is_chunked(server: Running) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in (b"one", b"", b"two"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": memoryview(b"three")})

    with listening(app) as other, RawHttp1(other.port) as client:
        client.request("GET", "/")
        assert client.reply().body == b"onetwothree"


@pytest.mark.parametrize("status", [204, 304])
def test_replies_that_have_no_body(status: int) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": [(b"etag", b'"e"')]})
        await send({"type": "http.response.body", "body": b"never sent"})

    with listening(app) as other, RawHttp1(other.port) as client:
        for _ in range(2):
            client.request("GET", "/")
            assert client.reply().status == status
