"""Through the real Caddy: S3-like requests and gRPC on the one h2c connection it keeps to a node."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import grpc
import pytest

from anvil_site.listener.limits import Limits
from tests.support.caddy import caddy
from tests.support.grpc_service import NAME, EchoService
from tests.support.listener import Running, listening, pattern, until
from tests.support.raw_http1 import RawHttp1

SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
    "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" + "f0" * 32,
    "x-amz-date": "20130524T000000Z",
    "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Running, EchoService, int]]:
    echo = EchoService()
    with listening(services=[echo]) as server, caddy(server.port) as port:
        yield server, echo, port


@pytest.fixture
def server(served: tuple[Running, EchoService, int]) -> Running:
    return served[0]


@pytest.fixture
def port(served: tuple[Running, EchoService, int]) -> int:
    return served[2]


def fetch(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, SIGNED)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("size", [0, 1, 65_537, 10_000_000])
def test_round_trip(port: int, size: int) -> None:
    assert fetch(port, "PUT", "/echo", pattern(size)) == (200, pattern(size))
    assert fetch(port, "GET", f"/bytes/{size}") == (200, pattern(size))


def test_what_is_signed_arrives_unchanged(server: Running, port: int) -> None:
    fetch(port, "GET", "/headers/a%20b//c%2Fd?list-type=2&prefix=%C3%A9")
    scope = server.probe.scopes["/headers/a b//c/d"]
    assert scope["raw_path"] == b"/headers/a%20b//c%2Fd"
    assert scope["query_string"] == b"list-type=2&prefix=%C3%A9"
    headers = dict(scope["headers"])
    assert headers[b"host"] == f"127.0.0.1:{port}".encode()
    assert headers[b"authorization"].decode() == SIGNED["Authorization"]


def test_s3_and_grpc_mixed_share_one_connection(server: Running, port: int) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        echo = channel.unary_unary(f"/{NAME}/Unary")

        def one(number: int) -> bool:
            size = number * 1009
            if number % 3 == 0:
                return echo(pattern(size), timeout=30) == pattern(size)
            if number % 3 == 1:
                return fetch(port, "GET", f"/bytes/{size}") == (200, pattern(size))
            return fetch(port, "PUT", "/echo", pattern(size)) == (200, pattern(size))

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(one, range(240)))
    assert server.on_loop(lambda: len(server.server.server_state.connections)) == 1  # type: ignore[union-attr]


def test_grpc_streams(port: int) -> None:
    options = [("grpc.max_receive_message_length", 1 << 25), ("grpc.max_send_message_length", 1 << 25)]
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        assert channel.unary_unary(f"/{NAME}/Unary")(bytes(8 << 20), timeout=30) == bytes(8 << 20)
        replies = channel.unary_stream(f"/{NAME}/Download")(b"20 100000", timeout=30)
        assert [len(reply) for reply in replies] == [100_000] * 20
        assert channel.stream_unary(f"/{NAME}/Upload")(iter([bytes(100_000)] * 20), timeout=30) == b"2000000"
        chat = channel.stream_stream(f"/{NAME}/Chat")(iter([b"a", b"b"]), timeout=30)
        assert list(chat) == [b"a", b"b"]
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(f"/{NAME}/Fail")("weil größer".encode(), timeout=30)
        assert caught.value.details() == "weil größer"
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(f"/{NAME}/Hang")(b"", timeout=0.5)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_expect_100_continue(port: int) -> None:
    body = pattern(3_000_000)
    with RawHttp1(port) as client:
        headers = f"Host: 127.0.0.1:{port}\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n"
        client.send(f"PUT /echo HTTP/1.1\r\n{headers}\r\n".encode())
        assert client.reply().status == 100
        client.send(body)
        answer = client.reply()
        while answer.status == 100:  # Caddy's own and ours, which it passes on
            answer = client.reply()
        assert answer.body == body


def test_a_refused_upload_still_shows_its_answer(port: int) -> None:
    assert fetch(port, "PUT", "/refuse", bytes(1_000_000)) == (403, b"no")
    assert fetch(port, "GET", "/bytes/1")[0] == 200


def _leave(port: int, request_line: str, body: str, condition: Callable[[], object]) -> None:
    """Sends part of a request, or reads part of a reply, until `condition` holds; then hangs up."""
    head = f"{request_line} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {1000000 if body else 0}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall((head + body).encode())
        until(condition, f"{request_line} to arrive")


def test_clients_that_leave_do_not_disturb_the_others(server: Running, port: int) -> None:
    """Their requests share the connection with everyone's."""
    probe = server.probe
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(fetch, port, "GET", "/gate/undisturbed")
        until(lambda: "/gate/undisturbed" in probe.scopes, "the request to arrive")
        for number in range(5):
            upload, download = f"/count/left{number}", f"/bytes/{500_000_000 + number}/1000000"
            _leave(port, f"PUT {upload}", "some", partial(probe.received.get, upload))
            _leave(port, f"GET {download}", "", partial(probe.sent.get, download))
            until(partial(probe.ended.get, upload + "#body"), "the reader to be told")
            until(partial(probe.ended.get, download), "the writer to be told")
            assert (probe.ended[upload + "#body"], probe.ended[download]) == ("disconnected", "ClientGone")
        probe.gate("/gate/undisturbed").set()
        assert held.result(10) == (200, b"through")


def test_a_low_stream_limit_spreads_over_connections_without_a_failure() -> None:
    """What makes several workers share the work behind one proxy. The first requests meet a fresh connection, where a
    low limit would cost some of them."""
    limits = Limits(settled_streams=4, settling_seconds=0.2)
    with listening(limits=limits) as server, caddy(server.port) as port, ThreadPoolExecutor(32) as pool:

        def one(number: int) -> bool:
            body = pattern(20_000 + number)
            return fetch(port, "PUT", f"/echo/{number}", body) == (200, body)

        def settled() -> list[bool]:
            assert server.server is not None
            connections = list(server.server.server_state.connections)
            return server.on_loop(lambda: [connection.limit_settled for connection in connections])

        assert all(pool.map(one, range(100)))
        assert len(settled()) == 1
        until(lambda: all(settled()), "the limit to be lowered once it is quiet")
        assert all(pool.map(one, range(300)))
        assert len(settled()) > 1


def test_a_node_that_stops_finishes_its_replies_and_another_takes_over() -> None:
    with listening() as first, listening() as second, caddy(first.port) as port:
        with ThreadPoolExecutor(4) as pool:
            large = pool.submit(fetch, port, "GET", "/bytes/100000000")
            held = pool.submit(fetch, port, "GET", "/gate/last")
            until(lambda: first.probe.sent and "/gate/last" in first.probe.scopes, "both to run")
            stopping = pool.submit(first.stop, 30)
            until(lambda: first.server.should_exit, "the stop to begin")  # type: ignore[union-attr]
            first.probe.gate("/gate/last").set()
            assert large.result(30) == (200, pattern(100_000_000))
            assert held.result(30) == (200, b"through")
            stopping.result(30)
        assert second.probe.scopes == {}


def test_restarts_lose_no_request() -> None:
    """Two nodes behind Caddy; one is stopped while requests keep coming. Bodies cannot be sent twice by a proxy."""
    with listening() as first, listening() as second, caddy(first.port, second.port) as port:
        outcomes: list[tuple[int, bytes]] = []
        stop = threading.Event()

        def requests() -> None:
            while not stop.is_set():
                outcomes.append(fetch(port, "PUT", "/echo", pattern(1000)))

        threads = [threading.Thread(target=requests) for _ in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: len(outcomes) > 100 and first.probe.scopes and second.probe.scopes, "both nodes to serve")
        served = second.server.server_state.total_requests  # type: ignore[union-attr]
        first.begin_stop()
        first.thread.join(20)
        assert not first.thread.is_alive()
        until(lambda: second.server.server_state.total_requests > served + 50, "the other node to go on")  # type: ignore[union-attr]
        stop.set()
        for thread in threads:
            thread.join()
    assert [outcome for outcome in outcomes if outcome != (200, pattern(1000))] == []
