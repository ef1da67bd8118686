"""Leaving in peace: GOAWAY from either side with requests and replies in flight, and the limit on streams."""

from __future__ import annotations

import struct
import threading

from anvil_site.listener.limits import Limits
from tests.support.listener import Running, listening, pattern, until
from tests.support.raw_http2 import GOAWAY, MAX_CONCURRENT_STREAMS, PING, RawHttp2, frame

REFUSED_STREAM = 7
UNKNOWN_LAST_STREAM = 2**31 - 1


def _goaway(code: int = 0) -> bytes:
    return frame(GOAWAY, 0, 0, struct.pack(">II", 0, code))


def test_replies_in_flight_survive_the_clients_goaway() -> None:
    with listening() as server, RawHttp2(server.port) as client:
        large = client.request("GET", "/bytes/30000000")
        upload = client.request("PUT", "/echo", end=False)
        client.data(upload, b"before ")
        client.wait(lambda: client.replies[large].body, "the first bytes")
        client.send(_goaway())
        client.data(upload, b"and after", end=True)
        assert bytes(client.reply(large).body) == pattern(30_000_000)
        assert bytes(client.reply(upload).body) == b"before and after"
        client.wait_closed()


def test_an_idle_connection_closes_on_the_clients_goaway() -> None:
    with listening() as server, RawHttp2(server.port) as client:
        client.reply(client.request("GET", "/bytes/1"))
        client.send(_goaway())
        client.wait_closed()


def _stop_in_thread(server: Running) -> threading.Thread:
    thread = threading.Thread(target=server.stop)
    thread.start()
    return thread


def test_our_shutdown_completes_what_is_in_flight() -> None:
    with listening() as server, RawHttp2(server.port) as client:
        large = client.request("GET", "/bytes/60000000")
        held = client.request("GET", "/gate/held")
        client.wait(lambda: client.replies[large].body, "the first bytes")
        stopping = _stop_in_thread(server)
        client.wait(lambda: client.goaways, "GOAWAY")
        assert client.goaways[0][:2] == (UNKNOWN_LAST_STREAM, 0)
        assert bytes(client.reply(large, 30).body) == pattern(60_000_000)
        server.probe.gate("/gate/held").set()
        assert bytes(client.reply(held).body) == b"through"
        client.wait_closed()
        stopping.join()


def test_a_request_that_crosses_our_goaway_is_served() -> None:
    """Between the first GOAWAY and the answer to the PING behind it new streams are still taken."""
    with listening() as server, RawHttp2(server.port) as client:
        held = client.request("GET", "/gate/held")
        client.ping()
        stopping = _stop_in_thread(server)
        client.wait(lambda: client.goaways and client.pings, "GOAWAY and PING")
        crossing = client.request("GET", "/bytes/10")
        assert bytes(client.reply(crossing).body) == pattern(10)
        client.send(frame(PING, 1, 0, client.pings[0]))
        client.wait(lambda: len(client.goaways) == 2, "the final GOAWAY")
        assert client.goaways[1][:2] == (crossing, 0)
        late = client.request("GET", "/bytes/10")
        assert client.reply(late).reset == REFUSED_STREAM
        server.probe.gate("/gate/held").set()
        assert client.reply(held).status == 200
        client.wait_closed()
        stopping.join()


def test_a_client_that_ignores_our_ping_is_told_in_the_end() -> None:
    with listening(limits=Limits(drain_ping_seconds=0.2)) as server, RawHttp2(server.port) as client:
        client.ping()
        stopping = _stop_in_thread(server)
        client.wait(lambda: len(client.goaways) == 2, "the final GOAWAY")
        client.wait_closed()
        stopping.join()


def test_more_streams_than_advertised_are_refused_one_by_one() -> None:
    with listening(limits=Limits(max_streams=4)) as server, RawHttp2(server.port) as client:
        client.wait(lambda: client.settings, "SETTINGS")
        client.ping()
        held = [client.request("GET", f"/gate/{number}") for number in range(4)]
        refused = [client.request("GET", "/bytes/1") for _ in range(3)]
        for stream in refused:
            assert client.reply(stream).reset == REFUSED_STREAM
        for number in range(4):
            server.probe.gate(f"/gate/{number}").set()
        for stream in held:
            assert client.reply(stream).status == 200
        assert client.reply(client.request("GET", "/bytes/1")).status == 200
        assert not client.goaways


def test_a_quiet_connection_is_told_to_take_fewer_streams() -> None:
    limits = Limits(max_streams=8, settled_streams=2, settling_seconds=0.1)
    with listening(limits=limits) as server, RawHttp2(server.port) as client:
        client.wait(lambda: client.settings.get(MAX_CONCURRENT_STREAMS) == 8, "the first SETTINGS")
        client.wait(lambda: client.settings.get(MAX_CONCURRENT_STREAMS) == 2, "the lowered limit")
        held = [client.request("GET", f"/gate/settled{number}") for number in range(3)]
        client.ping()
        for number in range(3):
            server.probe.gate(f"/gate/settled{number}").set()
        for stream in held:
            assert client.reply(stream).status == 200, "the lowered limit is advice: what crosses it is served"


def test_a_busy_connection_is_left_alone() -> None:
    limits = Limits(max_streams=8, settled_streams=2, settling_seconds=0.1)
    with listening(limits=limits) as server, RawHttp2(server.port) as client:
        held = [client.request("GET", f"/gate/busy{number}") for number in range(4)]
        client.drain(0.5)
        assert client.settings[MAX_CONCURRENT_STREAMS] == 8
        for number in range(4):
            server.probe.gate(f"/gate/busy{number}").set()
        for stream in held:
            client.reply(stream)
        client.wait(lambda: client.settings[MAX_CONCURRENT_STREAMS] == 2, "the lowered limit once it is quiet")


def test_a_cancelled_stream_counts_while_its_handler_runs() -> None:
    """What makes opening and cancelling in a loop (rapid reset) harmless: the work is bounded all the same."""
    with listening(limits=Limits(max_streams=4)) as server, RawHttp2(server.port) as client:
        client.wait(lambda: client.settings, "SETTINGS")
        client.ping()
        for number in range(4):
            client.reset(client.request("GET", f"/gate/reset{number}"))
        client.ping()
        assert client.reply(client.request("GET", "/bytes/1")).reset == REFUSED_STREAM
        assert server.probe.most_running == 4
        for number in range(4):
            server.probe.gate(f"/gate/reset{number}").set()
        until(lambda: server.probe.running == 0, "the handlers to end")
        assert client.reply(client.request("GET", "/bytes/1")).status == 200
