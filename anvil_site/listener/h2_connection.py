"""`h2`'s connection, made fit to serve: the one file that touches its internals (hence the pin `h2==4.4.*`).

h2 keeps the protocol state: HPACK, SETTINGS, stream states, flow-control windows. What differs, each with a test:

- A GOAWAY from the peer ends nothing: replies in flight are still sent (h2 refuses to send afterwards). Ours is a
  frame and no state either.
- The limit on concurrent streams is ours to enforce, stream by stream (h2 ends the connection).
- Content-length is ours to check, stream by stream (h2 ends the connection).
- DATA and WINDOW_UPDATE do not pass h2's parser and event objects: only its windows and states are kept in step.
- The connection's window is given back on receipt, a stream's when its body is consumed. So a stalled stream stalls
  itself alone, and `max_streams * stream_window_bytes` bounds what a connection can hold.

Must not know asyncio, ASGI or what the streams carry.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from h2.config import H2Configuration
from h2.connection import AllowedStreamIDs, H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, Event
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from h2.stream import H2Stream, StreamInputs, StreamState
from hyperframe.frame import Frame, GoAwayFrame, SettingsFrame, WindowUpdateFrame

from anvil_site.listener.errors import FrameError
from anvil_site.listener.frames import CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS
from anvil_site.listener.header_decoder import HeaderDecoder
from anvil_site.listener.limits import MIB, Limits
from anvil_site.listener.literal_encoder import LiteralEncoder

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What every HTTP/2 client sends first (RFC 9113, 3.4)."""
LARGEST_WINDOW = 2**31 - 1
CONNECTION_WINDOW_BYTES = 16 * MIB
"""Given back on receipt, so it bounds only what is on the wire; it must not be what limits the throughput."""
LAST_STREAM_UNKNOWN = 2**31 - 1
"""In the first GOAWAY of a graceful shutdown: requests on their way are still served (RFC 9113, 6.8)."""

_frame_header = struct.Struct(">HBBBI").pack
_RECEIVING = (StreamState.OPEN, StreamState.HALF_CLOSED_LOCAL)
_SENDING = (StreamState.OPEN, StreamState.HALF_CLOSED_REMOTE)
Buffers = list[bytes | memoryview]


class _RequestStream(H2Stream):
    """A stream whose content-length is checked by its owner."""

    def _initialize_content_length(self, headers: Any) -> None:
        pass

    def _track_content_length(self, length: int, end_stream: bool) -> None:
        pass


class ServerConnection(H2Connection):
    """Bytes to send collect inside; `take_output` hands them over. DATA is written straight into buffers."""

    MAX_CLOSED_STREAMS = 1024

    def __init__(self, limits: Limits) -> None:
        super().__init__(
            H2Configuration(
                client_side=False,
                header_encoding=None,
                validate_inbound_headers=False,
                normalize_inbound_headers=False,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self.encoder = LiteralEncoder()  # type: ignore[assignment]
        self.decoder = HeaderDecoder(limits.header_bytes)
        advertised = {
            SettingCodes.INITIAL_WINDOW_SIZE: limits.stream_window_bytes,
            SettingCodes.MAX_FRAME_SIZE: limits.max_frame_bytes,
            SettingCodes.MAX_HEADER_LIST_SIZE: limits.header_bytes,
            SettingCodes.ENABLE_PUSH: 0,
        }
        # Not `local_settings.update()`: values set before the peer's acknowledgement would wait for it, while our
        # windows already differ. And no MAX_CONCURRENT_STREAMS: h2 would end the connection beyond it.
        self.local_settings = Settings(
            client=False, initial_values={**advertised, SettingCodes.MAX_CONCURRENT_STREAMS: LARGEST_WINDOW}
        )
        self._advertised = {**advertised, SettingCodes.MAX_CONCURRENT_STREAMS: limits.max_streams}
        self.max_inbound_frame_size = limits.max_frame_bytes

    def open(self) -> None:
        """Sends SETTINGS and the connection's window; the peer's preface has been seen."""
        self.initiate_connection()
        self.clear_outbound_data_buffer()
        self._advertise(self._advertised)
        self.increment_flow_control_window(CONNECTION_WINDOW_BYTES - self.inbound_flow_control_window)
        self.receive_data(PREFACE)

    def _advertise(self, settings: dict[SettingCodes, int]) -> None:
        frame = SettingsFrame(0)
        frame.settings = {int(code): value for code, value in settings.items()}
        self._prepare_for_sending([frame])

    def advertise_streams(self, count: int) -> None:
        self._advertise({SettingCodes.MAX_CONCURRENT_STREAMS: count})

    def take_output(self) -> bytes:
        return self.data_to_send() if self._data_to_send else b""

    def go_away(self, code: int, last_stream: int, reason: str = "") -> None:
        frame = GoAwayFrame(0, last_stream_id=last_stream, error_code=code, additional_data=reason.encode()[:256])
        self._prepare_for_sending([frame])

    # -- receiving -----------------------------------------------------------------------------------------------

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[Event]]:
        event = ConnectionTerminated()
        event.error_code = frame.error_code
        event.last_stream_id = frame.last_stream_id
        event.additional_data = frame.additional_data or None
        return [], [event]

    def _begin_new_stream(self, stream_id: int, allowed_ids: AllowedStreamIDs) -> H2Stream:
        stream = super()._begin_new_stream(stream_id, allowed_ids)
        stream.__class__ = _RequestStream
        return stream

    def window_update(self, stream_id: int, increment: int) -> None:
        """Raises `FrameError` where the connection must end; a stream's overflow resets the stream."""
        if not stream_id:
            if not increment:
                raise FrameError(ErrorCodes.PROTOCOL_ERROR, "WINDOW_UPDATE by 0")
            self.outbound_flow_control_window += increment
            if self.outbound_flow_control_window > LARGEST_WINDOW:
                raise FrameError(ErrorCodes.FLOW_CONTROL_ERROR, "the connection's window exceeds 2^31-1")
            return
        stream = self.streams.get(stream_id)
        if stream is None:
            self.check_not_idle(stream_id)
        elif not increment or stream.outbound_flow_control_window + increment > LARGEST_WINDOW:
            code = ErrorCodes.FLOW_CONTROL_ERROR if increment else ErrorCodes.PROTOCOL_ERROR
            self.reset(stream_id, code)
        else:
            stream.outbound_flow_control_window += increment

    def check_not_idle(self, stream_id: int) -> None:
        """A frame for a stream we do not hold: late for one that is gone, or an error (RFC 9113, 5.1)."""
        if stream_id % 2 == 0 or stream_id > self.highest_inbound_stream_id:
            raise FrameError(ErrorCodes.PROTOCOL_ERROR, f"a frame on stream {stream_id}, which was never opened")

    def data_begins(self, stream_id: int, length: int) -> bool:
        """Accounts for a DATA frame of `length`. False: the stream takes no more; its bytes are to be dropped."""
        window = self._inbound_flow_control_window_manager
        window.current_window_size -= length
        if window.current_window_size < 0:
            raise FrameError(ErrorCodes.FLOW_CONTROL_ERROR, "more DATA than the connection's window allows")
        increment = window.process_bytes(length)
        if increment:
            self._prepare_for_sending([_window_update_frame(0, increment)])
        stream = self.streams.get(stream_id)
        if stream is None:
            self.check_not_idle(stream_id)
            return False
        if stream.state_machine.state not in _RECEIVING:
            return False
        stream_window = stream._inbound_window_manager
        stream_window.current_window_size -= length
        if stream_window.current_window_size < 0:
            self.reset(stream_id, ErrorCodes.FLOW_CONTROL_ERROR)
            return False
        return True

    def data_ends(self, stream_id: int) -> None:
        """The peer's END_STREAM."""
        self.streams[stream_id].state_machine.process_input(StreamInputs.RECV_END_STREAM)

    def consumed(self, stream_id: int, count: int) -> None:
        """Gives `count` bytes of the stream's window back, when enough have come together."""
        stream = self.streams.get(stream_id)
        if stream is not None and count and stream.state_machine.state in _RECEIVING:
            self._prepare_for_sending(stream.acknowledge_received_data(count))

    # -- sending -------------------------------------------------------------------------------------------------

    def send_window(self, stream_id: int) -> int:
        """How many bytes may be sent on the stream now."""
        stream = self.streams.get(stream_id)
        if stream is None:
            return 0
        return min(self.outbound_flow_control_window, stream.outbound_flow_control_window)

    def send_block(self, stream_id: int, headers: Sequence[tuple[bytes, bytes]], *, end: bool) -> None:
        """A head or trailers: HEADERS, and CONTINUATION where the peer's frame size asks for it."""
        self._send_block(stream_id, StreamInputs.SEND_HEADERS, headers, end=end)

    def send_informational(self, stream_id: int, status: bytes) -> None:
        self._send_block(stream_id, StreamInputs.SEND_INFORMATIONAL_HEADERS, [(b":status", status)], end=False)

    def _send_block(
        self, stream_id: int, kind: StreamInputs, headers: Sequence[tuple[bytes, bytes]], *, end: bool
    ) -> None:
        # `H2Connection.send_headers` without its copies and checks of headers that are our own.
        machine = self.streams[stream_id].state_machine
        machine.process_input(kind)
        block = self.encoder.encode(headers)
        if end:
            machine.process_input(StreamInputs.SEND_END_STREAM)
        most = self.max_outbound_frame_size
        frame_type, flags = HEADERS, END_STREAM if end else 0
        while len(block) > most:
            self._data_to_send += _frame_header(most >> 8, most & 0xFF, frame_type, flags, stream_id)
            self._data_to_send += block[:most]
            block, frame_type, flags = block[most:], CONTINUATION, 0
        size = len(block)
        self._data_to_send += _frame_header(size >> 8, size & 0xFF, frame_type, flags | END_HEADERS, stream_id)
        self._data_to_send += block

    def write_data(self, stream_id: int, data: memoryview, buffers: Buffers, *, end: bool) -> None:
        """Appends DATA frames to `buffers`, views and no copies. `data` fits into `send_window`."""
        stream = self.streams[stream_id]
        machine = stream.state_machine
        if machine.state not in _SENDING:
            raise ProtocolError(f"DATA on stream {stream_id} in state {machine.state.name}")
        size = len(data)
        stream.outbound_flow_control_window -= size
        self.outbound_flow_control_window -= size
        most = self.max_outbound_frame_size
        position = 0
        while size - position > most:
            buffers.append(_frame_header(most >> 8, most & 0xFF, DATA, 0, stream_id))
            buffers.append(data[position : position + most])
            position += most
        rest = size - position
        if rest or end:
            buffers.append(_frame_header(rest >> 8, rest & 0xFF, DATA, END_STREAM if end else 0, stream_id))
            if rest:
                buffers.append(data[position:])
        if end:
            machine.process_input(StreamInputs.SEND_END_STREAM)

    def reset(self, stream_id: int, code: int) -> None:
        """RST_STREAM, unless the stream is closed already."""
        stream = self.streams.get(stream_id)
        if stream is None or stream.closed:
            return
        self._prepare_for_sending(stream.reset_stream(code))

    def is_closed(self, stream_id: int) -> bool:
        stream = self.streams.get(stream_id)
        return stream is None or stream.closed


def _window_update_frame(stream_id: int, increment: int) -> WindowUpdateFrame:
    frame = WindowUpdateFrame(stream_id)
    frame.window_increment = increment
    return frame
