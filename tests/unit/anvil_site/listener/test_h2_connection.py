"""Where our connection differs from h2's own, one test for each difference, without a socket."""

from __future__ import annotations

import struct

import pytest
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, RequestReceived, StreamEnded
from hpack import Encoder

from anvil_site.listener.errors import FrameError
from anvil_site.listener.h2_connection import CONNECTION_WINDOW_BYTES, Buffers, ServerConnection
from anvil_site.listener.limits import Limits
from tests.support.raw_http2 import (
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    frame,
    settings_payload,
)

LIMITS = Limits(max_streams=3, stream_window_bytes=100_000)


def opened(limits: Limits = LIMITS) -> tuple[ServerConnection, Encoder]:
    connection = ServerConnection(limits)
    connection.open()
    connection.receive_data(frame(SETTINGS, 0, 0))
    connection.take_output()
    return connection, Encoder()


def request(
    connection: ServerConnection, encoder: Encoder, stream: int, *more: tuple[str, str], end: bool = True
) -> None:
    pseudo = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")]
    flags = END_HEADERS | (END_STREAM if end else 0)
    events = connection.receive_data(frame(HEADERS, flags, stream, encoder.encode([*pseudo, *more])))
    assert isinstance(events[0], RequestReceived)


def output(connection: ServerConnection) -> list[tuple[int, int, int, bytes]]:
    data, frames = connection.take_output(), []
    while data:
        length = int.from_bytes(data[:3], "big")
        frames.append((data[3], data[4], int.from_bytes(data[5:9], "big"), data[9 : 9 + length]))
        data = data[9 + length :]
    return frames


def test_settings_are_in_force_from_the_start() -> None:
    """h2's own way leaves the windows of both sides different until the acknowledgement."""
    connection = ServerConnection(LIMITS)
    connection.open()
    frames = output(connection)
    sent = dict(struct.iter_unpack(">HI", frames[0][3]))
    assert sent == {2: 0, 3: 3, 4: 100_000, 5: 256 * 1024, 6: 64 * 1024}
    assert frames[1] == (WINDOW_UPDATE, 0, 0, struct.pack(">I", CONNECTION_WINDOW_BYTES - 65535))
    connection.receive_data(frame(SETTINGS, 0, 0))
    request(connection, Encoder(), 1, end=False)
    assert connection.remote_flow_control_window(1) == 100_000


def test_sending_goes_on_after_the_peers_goaway() -> None:
    connection, encoder = opened()
    request(connection, encoder, 1)
    (event,) = connection.receive_data(frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0)))
    assert isinstance(event, ConnectionTerminated)
    connection.send_block(1, [(b":status", b"200")], end=False)
    buffers: Buffers = []
    connection.write_data(1, memoryview(b"body"), buffers, end=True)
    assert [kind for kind, *_ in output(connection)] == [HEADERS]
    assert b"".join(buffers) == frame(DATA, END_STREAM, 1, b"body")


def test_sending_and_receiving_go_on_after_our_goaway() -> None:
    connection, encoder = opened()
    request(connection, encoder, 1, end=False)
    connection.go_away(ErrorCodes.NO_ERROR, 1, "bye")
    assert output(connection) == [(GOAWAY, 0, 0, struct.pack(">II", 1, 0) + b"bye")]
    assert connection.data_begins(1, 4)
    connection.data_ends(1)
    connection.send_block(1, [(b":status", b"200")], end=True)
    assert connection.is_closed(1)


def test_the_stream_limit_is_not_h2s_to_enforce() -> None:
    connection, encoder = opened()
    for stream in range(1, 21, 2):
        request(connection, encoder, stream, end=False)
    connection.reset(19, ErrorCodes.REFUSED_STREAM)
    assert output(connection) == [(RST_STREAM, 0, 19, struct.pack(">I", 7))]
    request(connection, encoder, 21)


def test_content_length_is_not_h2s_to_enforce() -> None:
    connection, encoder = opened()
    request(connection, encoder, 1, ("content-length", "nonsense"), ("content-length", "5"), end=False)
    assert connection.data_begins(1, 100)
    connection.data_ends(1)


def test_the_connections_window_comes_back_on_receipt_and_a_streams_on_consumption() -> None:
    connection, encoder = opened(Limits(stream_window_bytes=1 << 24))
    request(connection, encoder, 1, end=False)
    received = 0
    while received < CONNECTION_WINDOW_BYTES * 3 // 4:
        assert connection.data_begins(1, 1 << 20)
        received += 1 << 20
    updates = output(connection)
    assert {stream for _, _, stream, _ in updates} == {0}
    assert sum(int.from_bytes(payload, "big") for *_, payload in updates) >= CONNECTION_WINDOW_BYTES // 2
    connection.consumed(1, received)
    ((kind, _, stream, payload),) = output(connection)
    assert (kind, stream, int.from_bytes(payload, "big")) == (WINDOW_UPDATE, 1, received)


def test_more_than_a_streams_window_resets_it_alone() -> None:
    connection, encoder = opened()
    request(connection, encoder, 1, end=False)
    request(connection, encoder, 3, end=False)
    assert not connection.data_begins(1, 100_001)
    assert output(connection) == [(RST_STREAM, 0, 1, struct.pack(">I", ErrorCodes.FLOW_CONTROL_ERROR))]
    assert connection.data_begins(3, 100_000)


def test_more_than_the_connections_window_ends_it() -> None:
    connection, encoder = opened(Limits(stream_window_bytes=2**31 - 1))
    request(connection, encoder, 1, end=False)
    with pytest.raises(FrameError) as caught:
        connection.data_begins(1, CONNECTION_WINDOW_BYTES + 1)
    assert caught.value.code == ErrorCodes.FLOW_CONTROL_ERROR


def test_data_for_a_stream_that_is_over_is_counted_and_dropped() -> None:
    connection, encoder = opened()
    request(connection, encoder, 1, end=False)
    connection.reset(1, ErrorCodes.NO_ERROR)
    output(connection)
    before = connection.inbound_flow_control_window
    assert not connection.data_begins(1, 1000)
    assert connection.inbound_flow_control_window == before - 1000
    with pytest.raises(FrameError):
        connection.data_begins(3, 1)
    with pytest.raises(FrameError):
        connection.data_begins(2, 1)


def test_data_frames_are_cut_to_the_peers_size_and_charged_to_both_windows() -> None:
    connection, encoder = opened()
    request(connection, encoder, 1)
    connection.send_block(1, [(b":status", b"200")], end=False)
    buffers: Buffers = []
    body = bytes(range(256)) * 160
    connection.write_data(1, memoryview(body), buffers, end=True)
    lengths = [int.from_bytes(header[:3], "big") for header in buffers[::2]]
    assert lengths == [16384, 16384, len(body) - 2 * 16384]
    assert [header[4] for header in buffers[::2]] == [0, 0, END_STREAM]
    assert b"".join(buffers[1::2]) == body
    assert all(isinstance(piece, memoryview) and piece.obj is body for piece in buffers[1::2])
    assert connection.outbound_flow_control_window == 65535 - len(body)
    assert connection.is_closed(1)


def test_a_long_header_block_is_continued() -> None:
    connection, encoder = opened()
    request(connection, encoder, 1)
    connection.send_block(1, [(b":status", b"200"), (b"x-long", b"v" * 40_000)], end=True)
    frames = output(connection)
    assert [(kind, flags) for kind, flags, *_ in frames] == [(HEADERS, END_STREAM), (9, 0), (9, END_HEADERS)]
    assert len(b"".join(payload for *_, payload in frames)) > 40_000


def test_settings_of_the_peer_change_windows_and_frames() -> None:
    connection, encoder = opened()
    request(connection, encoder, 1)
    connection.receive_data(frame(SETTINGS, 0, 0, settings_payload({4: 50_000, 5: 20_000})))
    assert connection.send_window(1) == 50_000
    connection.send_block(1, [(b":status", b"200")], end=False)
    buffers: Buffers = []
    connection.write_data(1, memoryview(bytes(30_000)), buffers, end=False)
    assert [int.from_bytes(header[:3], "big") for header in buffers[::2]] == [20_000, 10_000]


def test_window_updates() -> None:
    connection, encoder = opened()
    request(connection, encoder, 1)
    connection.window_update(0, 1000)
    connection.window_update(1, 10)
    assert (connection.outbound_flow_control_window, connection.send_window(1)) == (66_535, 65_545)
    connection.window_update(1, 2**31 - 1)
    assert output(connection) == [(RST_STREAM, 0, 1, struct.pack(">I", ErrorCodes.FLOW_CONTROL_ERROR))]
    with pytest.raises(FrameError):
        connection.window_update(0, 2**31 - 1)
    with pytest.raises(FrameError):
        connection.window_update(99, 1)


def test_what_is_remembered_of_closed_streams_is_bounded() -> None:
    connection, encoder = opened()
    for stream in range(1, 6001, 2):
        request(connection, encoder, stream)
        connection.send_block(stream, [(b":status", b"200")], end=True)
    assert len(connection.streams) <= 2
    assert len(connection._closed_streams) <= 1024


def test_the_end_of_a_request_is_an_event() -> None:
    connection, encoder = opened()
    pseudo = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")]
    events = connection.receive_data(frame(HEADERS, END_HEADERS | END_STREAM, 1, encoder.encode(pseudo)))
    assert [type(event) for event in events] == [RequestReceived, StreamEnded]
