"""An HTTP/2 client that sends exactly what a test says, right or wrong, and notes what comes back.

Built on hpack and plain frames, not on `h2`: it must be able to break every rule.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hpack import Decoder, Encoder

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = (
    range(1, 7)
)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
Headers = Sequence[tuple[str, str]]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    length = len(payload)
    return struct.pack(">HBBBI", length >> 8, length & 0xFF, kind, flags, stream) + payload


def settings_payload(settings: dict[int, int]) -> bytes:
    return b"".join(struct.pack(">HI", code, value) for code, value in settings.items())


@dataclass
class Reply:
    """What came back on one stream."""

    heads: list[dict[str, str]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    ended: bool = False
    reset: int | None = None
    frames: list[int] = field(default_factory=list)

    @property
    def status(self) -> int | None:
        statuses = [int(head[":status"]) for head in self.heads if ":status" in head]
        return next((status for status in statuses if status >= 200), None)

    @property
    def over(self) -> bool:
        return self.ended or self.reset is not None


class RawHttp2:
    """`windows`: give back what was received, as a willing client does."""

    def __init__(
        self,
        port: int,
        settings: dict[int, int] | None = None,
        *,
        windows: bool = True,
        acknowledge: bool = True,
        connection_window: int = 2**31 - 1,
    ) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.windows = windows
        self.acknowledge = acknowledge
        self.encoder, self.decoder = Encoder(), Decoder()
        self.replies: dict[int, Reply] = {}
        self.settings: dict[int, int] = {}
        self.goaways: list[tuple[int, int, bytes]] = []
        self.pongs: list[bytes] = []
        self.pings: list[bytes] = []
        self.window_updates: dict[int, int] = {}
        self.settings_acks = 0
        self.closed = False
        self.next_stream = 1
        self.spent: dict[int, int] = {}
        """DATA that `upload` sent, by stream; 0 is the connection."""
        self._buffer = bytearray()
        start = PREFACE + frame(SETTINGS, 0, 0, settings_payload(settings or {}))
        if connection_window > 65535:
            start += frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", connection_window - 65535))
        self.send(start)

    def __enter__(self) -> RawHttp2:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    # -- sending -------------------------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def block(self, headers: Headers) -> bytes:
        return bytes(self.encoder.encode(list(headers)))

    def head(self, method: str, path: str, headers: Headers = (), *, pseudo: Headers | None = None) -> bytes:
        fields = pseudo or [(":method", method), (":scheme", "http"), (":authority", "test"), (":path", path)]
        return self.block([*fields, *headers])

    def request(self, method: str, path: str, headers: Headers = (), *, end: bool = True) -> int:
        """Opens a stream; returns its number."""
        stream = self.next_stream
        self.next_stream += 2
        flags = END_HEADERS | (END_STREAM if end else 0)
        self.send(frame(HEADERS, flags, stream, self.head(method, path, headers)))
        self.replies[stream] = Reply()
        return stream

    def data(self, stream: int, body: bytes, *, end: bool = False, frame_bytes: int = 16384) -> None:
        """Without looking at any window."""
        pieces = [body[at : at + frame_bytes] for at in range(0, len(body), frame_bytes)] or [b""]
        for piece in pieces[:-1]:
            self.send(frame(DATA, 0, stream, piece))
        self.send(frame(DATA, END_STREAM if end else 0, stream, pieces[-1]))

    def upload(self, stream: int, body: bytes) -> None:
        """All of it with END_STREAM, under the server's windows."""
        sent = 0
        while sent < len(body):
            self.wait(lambda: self.allowance(stream) > 0 or self.replies[stream].over, "a window to upload into")
            if self.replies[stream].over:
                return
            count = min(self.allowance(stream), 16384, len(body) - sent)
            self.spent[stream] = self.spent.get(stream, 0) + count
            self.spent[0] = self.spent.get(0, 0) + count
            piece = body[sent : sent + count]
            sent += count
            self.send(frame(DATA, END_STREAM if sent == len(body) else 0, stream, piece))

    def allowance(self, stream: int) -> int:
        """What both windows leave to send on the stream."""
        initial = self.settings.get(INITIAL_WINDOW_SIZE, 65535)
        own = initial + self.window_updates.get(stream, 0) - self.spent.get(stream, 0)
        shared = 65535 + self.window_updates.get(0, 0) - self.spent.get(0, 0)
        return min(own, shared)

    def window_update(self, stream: int, increment: int) -> None:
        self.send(frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment)))

    def reset(self, stream: int, code: int = 8) -> None:
        self.send(frame(RST_STREAM, 0, stream, struct.pack(">I", code)))

    # -- receiving -----------------------------------------------------------------------------------------------

    def wait(self, condition: Callable[[], object], what: str, seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0 or self.closed:
                state = "the connection is closed" if self.closed else f"{seconds} s passed"
                raise AssertionError(f"{state}, waiting for: {what}; goaways {self.goaways}")
            self._receive(left)

    def reply(self, stream: int, seconds: float = 10.0) -> Reply:
        self.wait(lambda: self.replies[stream].over, f"the reply on stream {stream}", seconds)
        return self.replies[stream]

    def wait_closed(self, seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        while not self.closed:
            left = deadline - time.monotonic()
            assert left > 0, "the server did not close the connection"
            self._receive(left)

    def drain(self, seconds: float) -> None:
        """Reads whatever comes for so long."""
        deadline = time.monotonic() + seconds
        while not self.closed and (left := deadline - time.monotonic()) > 0:
            self._receive(left)

    def ping(self, seconds: float = 10.0) -> None:
        """A round trip: everything sent before has been processed."""
        mark = struct.pack(">Q", len(self.pongs))
        self.send(frame(PING, 0, 0, mark))
        self.wait(lambda: mark in self.pongs, "an answer to PING", seconds)

    def _receive(self, seconds: float) -> None:
        self.socket.settimeout(max(seconds, 0.001))
        try:
            data = self.socket.recv(1 << 18)
        except TimeoutError:
            return
        except ConnectionError:
            data = b""
        finally:
            self.socket.settimeout(10)
        if not data:
            self.closed = True
            return
        self._buffer += data
        while len(self._buffer) >= 9:
            length = int.from_bytes(self._buffer[:3], "big")
            if len(self._buffer) < 9 + length:
                break
            kind, flags = self._buffer[3], self._buffer[4]
            stream = int.from_bytes(self._buffer[5:9], "big")
            payload = bytes(self._buffer[9 : 9 + length])
            del self._buffer[: 9 + length]
            self._frame(kind, flags, stream, payload)

    def _frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        reply = self.replies.setdefault(stream, Reply()) if stream else Reply()
        reply.frames.append(kind)
        if kind == DATA:
            reply.body += payload
            reply.ended |= bool(flags & END_STREAM)
            if self.windows and payload:
                increment = struct.pack(">I", len(payload))
                with contextlib.suppress(ConnectionError):  # the server may have finished and left
                    self.send(frame(WINDOW_UPDATE, 0, 0, increment) + frame(WINDOW_UPDATE, 0, stream, increment))
        elif kind == HEADERS:
            reply.heads.append({str(name): str(value) for name, value in self.decoder.decode(payload)})
            reply.ended |= bool(flags & END_STREAM)
        elif kind == RST_STREAM:
            reply.reset = int.from_bytes(payload, "big")
        elif kind == GOAWAY:
            last, code = struct.unpack(">II", payload[:8])
            self.goaways.append((last, code, payload[8:]))
        elif kind == WINDOW_UPDATE:
            self.window_updates[stream] = self.window_updates.get(stream, 0) + int.from_bytes(payload, "big")
        elif kind == PING:
            (self.pongs if flags & ACK else self.pings).append(payload)
        elif kind == SETTINGS and flags & ACK:
            self.settings_acks += 1
        elif kind == SETTINGS:
            for at in range(0, len(payload), 6):
                code, value = struct.unpack(">HI", payload[at : at + 6])
                self.settings[code] = value
            if self.acknowledge:
                self.send(frame(SETTINGS, ACK, 0))
