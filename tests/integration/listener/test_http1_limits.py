"""HTTP/1.1 clients that are slow, silent or many, and a graceful stop."""

from __future__ import annotations

import threading
import time

import pytest

from anvil_site.listener.limits import Limits
from tests.support.listener import listening, until
from tests.support.raw_http1 import RawHttp1
from tests.support.raw_http2 import PREFACE, RawHttp2


@pytest.mark.parametrize("start", [b"", b"P", PREFACE[:20]])
def test_a_connection_that_does_not_say_what_it_is_is_closed(start: bytes) -> None:
    with listening(limits=Limits(first_bytes_seconds=0.3)) as server, RawHttp1(server.port) as client:
        client.send(start)
        assert client.wait_closed() == b""


def test_a_head_that_trickles_in_is_refused() -> None:
    """Slow loris: bytes keep coming, the head does not end."""
    with listening(limits=Limits(header_seconds=0.5)) as server, RawHttp1(server.port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: test\r\n")
        began = time.monotonic()
        stop = threading.Event()

        def trickle() -> None:
            while not stop.wait(0.05):
                try:
                    client.send(b"X: y\r\n")
                except OSError:
                    return

        thread = threading.Thread(target=trickle)
        thread.start()
        assert client.reply().status == 408
        stop.set()
        thread.join()
        assert time.monotonic() - began < 5


def test_the_second_head_is_timed_too() -> None:
    with listening(limits=Limits(header_seconds=0.3)) as server, RawHttp1(server.port) as client:
        client.request("GET", "/bytes/1")
        client.reply()
        client.send(b"GET / HTTP/1.1\r\n")
        assert client.reply().status == 408


def test_an_idle_connection_is_closed() -> None:
    with listening(limits=Limits(idle_seconds=0.3)) as server, RawHttp1(server.port) as client:
        client.request("GET", "/bytes/1")
        client.reply()
        assert client.wait_closed() == b""


def test_a_slow_application_is_not_an_idle_client() -> None:
    limits = Limits(idle_seconds=0.3, stall_seconds=0.3, header_seconds=0.3)
    with listening(limits=limits) as server, RawHttp1(server.port) as client:
        client.request("PUT", "/gate/slow", "Content-Length: 4\r\n", b"body")
        until(lambda: "/gate/slow" in server.probe.scopes, "the request to arrive")
        client.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            client.socket.recv(1)
        client.socket.settimeout(10)
        server.probe.gate("/gate/slow").set()
        assert client.reply().body == b"through"
        client.request("GET", "/bytes/1")
        assert client.reply().status == 200, "the wait was counted as idleness"


def test_a_body_that_stops_coming_is_given_up() -> None:
    with listening(limits=Limits(stall_seconds=0.3)) as server, RawHttp1(server.port) as client:
        client.request("PUT", "/count/stalled", "Content-Length: 100\r\n", b"some")
        assert client.wait_closed() == b""
        until(lambda: server.probe.ended.get("/count/stalled#body") == "disconnected", "the application to be told")


def test_a_slow_but_steady_body_is_waited_for() -> None:
    with listening(limits=Limits(stall_seconds=0.4)) as server, RawHttp1(server.port) as client:
        client.request("PUT", "/count/steady", "Content-Length: 10\r\n")
        for _ in range(10):
            time.sleep(0.1)  # the slowness is what is tested
            client.send(b"x")
        assert client.reply().body == b"10"


def test_a_reply_that_is_not_taken_is_given_up() -> None:
    path = "/bytes/200000000/1000000"
    with listening(limits=Limits(stall_seconds=0.4)) as server, RawHttp1(server.port) as client:
        client.request("GET", path)
        until(lambda: server.probe.ended.get(path) == "ClientGone", "the application to be stopped")
        assert server.probe.sent[path] < 100_000_000


def test_a_body_nobody_reads_is_not_read_ahead_without_bound() -> None:
    limits = Limits(request_buffer_bytes=256 * 1024)
    with listening(limits=limits) as server, RawHttp1(server.port) as client:
        client.request("PUT", "/slow/held", "Content-Length: 100000000\r\n")
        client.socket.settimeout(0.5)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 100_000_000:
                sent += client.socket.send(bytes(1 << 20))
        assert sent < 30_000_000
        client.socket.settimeout(10)
        server.probe.gate("/slow/held").set()
        while sent < 100_000_000:
            sent += client.socket.send(bytes(min(1 << 20, 100_000_000 - sent)))
        assert client.reply().body == b"100000000"


def test_more_connections_than_allowed_are_closed_at_once() -> None:
    with listening(limits=Limits(max_connections=3)) as server:
        clients = [RawHttp1(server.port) for _ in range(3)]
        for client in clients:
            client.request("GET", "/bytes/1")
            client.reply()
        with RawHttp1(server.port) as late:
            assert late.wait_closed() == b""
        clients.pop().socket.close()
        until(lambda: _answers(server.port), "room for another connection")
        for client in clients:
            client.socket.close()


def _answers(port: int) -> bool:
    with RawHttp1(port) as client:
        try:
            client.request("GET", "/bytes/1")
            return client.reply().status == 200
        except (EOFError, ConnectionError):
            return False


def test_a_graceful_stop_completes_requests_and_closes_idle_connections() -> None:
    with listening() as server:
        with RawHttp1(server.port) as busy, RawHttp1(server.port) as idle, RawHttp1(server.port) as silent:
            idle.request("GET", "/bytes/1")
            idle.reply()
            busy.request("GET", "/gate/stop")
            until(lambda: "/gate/stop" in server.probe.scopes, "the request to arrive")
            stopping = threading.Thread(target=server.stop)
            stopping.start()
            assert idle.wait_closed() == b""
            assert silent.wait_closed() == b""
            server.probe.gate("/gate/stop").set()
            assert busy.reply().body == b"through"
            assert busy.wait_closed() == b""
            stopping.join()


def test_both_protocols_on_one_port() -> None:
    with listening() as server, RawHttp1(server.port) as one, RawHttp2(server.port) as two:
        one.request("GET", "/bytes/10")
        stream = two.request("GET", "/bytes/20")
        assert len(one.reply().body) == 10
        assert len(two.reply(stream).body) == 20
