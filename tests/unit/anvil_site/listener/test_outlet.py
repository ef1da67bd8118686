"""Turns at the way out: fair, bounded, and in few writes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hpack import Encoder

from anvil_site.listener.h2_connection import ServerConnection
from anvil_site.listener.limits import Limits
from anvil_site.listener.outlet import Outlet
from tests.support.fake_transport import FakeTransport
from tests.support.raw_http2 import DATA, END_HEADERS, END_STREAM, HEADERS, SETTINGS, frame, settings_payload

KIB = 1024


class Reply:
    """A stream with so many bytes to send; notes when it was served."""

    def __init__(self, number: int, size: int, served: list[int]) -> None:
        self.id = number
        self.unsent = memoryview(bytes([number]) * size)
        self.unsent_ends = True
        self.queued = False
        self._served = served

    def sent(self, count: int) -> None:
        self._served.append(self.id)
        self.unsent = self.unsent[count:]


class CountingTransport(FakeTransport):
    def __init__(self) -> None:
        super().__init__(asyncio.Protocol())
        self.writes: list[int] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        super().write(data)
        self.writes.append(len(data))

    def writelines(self, list_of_data: list[bytes]) -> None:
        self.written += b"".join(list_of_data)
        self.writes.append(sum(map(len, list_of_data)))


class Bench:
    def __init__(self, window: int = 1 << 24) -> None:
        self.loop = asyncio.new_event_loop()
        self.connection = ServerConnection(Limits())
        self.connection.open()
        self.connection.receive_data(frame(SETTINGS, 0, 0, settings_payload({4: window})))
        self.connection.take_output()
        self.connection.window_update(0, 1 << 24)
        self.transport = CountingTransport()
        self.outlet = Outlet(self.transport, self.connection, self.loop, Limits(quantum_bytes=64 * KIB))
        self.served: list[int] = []
        self._encoder = Encoder()

    def reply(self, number: int, size: int) -> Reply:
        pseudo = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")]
        head = frame(HEADERS, END_HEADERS | END_STREAM, number, self._encoder.encode(pseudo))
        self.connection.receive_data(head)
        self.connection.send_block(number, [(b":status", b"200")], end=False)
        return Reply(number, size, self.served)

    def turn(self) -> None:
        self.loop.run_until_complete(asyncio.sleep(0))


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.loop.close()


def test_replies_take_turns(bench: Bench) -> None:
    bench.outlet.pause()
    for reply in (bench.reply(1, 256 * KIB), bench.reply(3, 128 * KIB), bench.reply(5, 10)):
        bench.outlet.enqueue(reply)
    bench.outlet.resume()
    assert bench.served == [1, 3, 5, 1, 3, 1, 1]


def test_nothing_is_written_while_the_socket_is_full(bench: Bench) -> None:
    bench.outlet.pause()
    reply = bench.reply(1, 256 * KIB)
    bench.outlet.enqueue(reply)
    assert len(reply.unsent) == 256 * KIB
    bench.outlet.resume()
    assert len(reply.unsent) == 0


def test_a_stream_has_one_place_in_the_queue(bench: Bench) -> None:
    bench.outlet.pause()
    reply = bench.reply(1, 128 * KIB)
    for _ in range(1000):
        bench.outlet.enqueue(reply)
    assert len(bench.outlet._queue) == 1
    bench.outlet.resume()
    assert bench.served == [1, 1]
    assert not reply.queued


def test_a_stream_without_window_leaves_the_queue() -> None:
    bench = Bench(window=1000)
    reply, other = bench.reply(1, 5000), bench.reply(3, 500)
    bench.outlet.enqueue(reply)
    bench.outlet.enqueue(other)
    assert (len(reply.unsent), len(other.unsent)) == (4000, 0)
    assert not bench.outlet._queue
    bench.connection.window_update(1, 4000)
    bench.outlet.enqueue(reply)
    assert len(reply.unsent) == 0
    bench.loop.close()


def test_a_forgotten_stream_is_not_served(bench: Bench) -> None:
    bench.outlet.pause()
    reply = bench.reply(1, 100)
    bench.outlet.enqueue(reply)
    bench.outlet.forget(reply)
    bench.outlet.forget(reply)
    bench.outlet.resume()
    assert bench.served == []


def test_small_replies_of_one_turn_leave_together(bench: Bench) -> None:
    for number in (1, 3, 5):
        bench.outlet.enqueue(bench.reply(number, 100))
    assert bench.transport.writes == []
    bench.turn()
    assert len(bench.transport.writes) == 1
    kinds, written = [], bytes(bench.transport.written)
    while written:
        kinds.append(written[3])
        written = written[9 + int.from_bytes(written[:3], "big") :]
    assert kinds == [HEADERS, DATA] * 3


def test_large_replies_leave_in_few_writes(bench: Bench) -> None:
    bench.outlet.enqueue(bench.reply(1, 1024 * KIB))
    bench.turn()
    assert len(bench.transport.written) > 1024 * KIB
    assert len(bench.transport.writes) <= 17


def test_nothing_is_written_to_a_closed_connection(bench: Bench) -> None:
    bench.outlet.enqueue(bench.reply(1, 100))
    bench.transport.close()
    bench.turn()
    assert bench.transport.writes == []
