"""Cuts the bytes of an HTTP/2 connection into frames (RFC 9113, 4) without copying bodies. Pure.

Stands in front of the `h2` library, so that bounds hold before a frame is buffered and DATA never passes through
h2's own buffers. Knows frame headers and header blocks; must not know streams, windows or what a frame means.
"""

from __future__ import annotations

from collections.abc import Iterator

from h2.errors import ErrorCodes

from anvil_site.listener.errors import FrameError
from anvil_site.listener.limits import Limits

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = 0x1
ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8

HEADER_BYTES = 9
CONTROL_FRAME_BYTES = 16 * 1024
"""SETTINGS, GOAWAY and the like; every implementation accepts this much and nobody needs more."""

Piece = tuple[int, int, int, bytes | memoryview, int, bool]
"""Type, flags, stream, bytes, length of the frame (on its first piece, else -1), whether this completes the frame.

DATA comes in pieces as it arrives, without its padding; HEADERS to CONTINUATION whole and with their frame header;
PRIORITY and unknown frames without their bytes, because nobody reads them.
"""


class FrameSplitter:
    """One connection's input after the preface. `feed` raises `FrameError` where the peer breaks a rule."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._partial = bytearray()
        self._needed = HEADER_BYTES
        self._left = 0
        """Bytes to come of the DATA frame, or of the frame to skip, that we are in."""
        self._head = (0, 0, 0)
        self._opened = -1
        self._block_stream = 0
        self._block_bytes = 0
        self._continuations = 0
        self._begun = False

    def feed(self, data: bytes) -> Iterator[Piece]:
        view = memoryview(data)
        position, end = 0, len(data)
        while position < end:
            if self._left:
                taken = min(self._left, end - position)
                yield from self._pass(view[position : position + taken])
                position += taken
            elif self._partial or end - position < HEADER_BYTES:
                taken = min(self._needed - len(self._partial), end - position)
                self._partial += view[position : position + taken]
                position += taken
                if len(self._partial) == self._needed:
                    yield from self._partial_complete()
            else:
                length = self._begin(view[position : position + HEADER_BYTES])
                if self._streams(length):
                    position += HEADER_BYTES
                    yield from self._open(length)
                elif end - position >= HEADER_BYTES + length:
                    stop = position + HEADER_BYTES + length
                    yield self._whole(data[position:stop])
                    position = stop
                else:
                    self._partial += view[position:]
                    self._needed = HEADER_BYTES + length
                    position = end

    def _partial_complete(self) -> Iterator[Piece]:
        if self._needed == HEADER_BYTES:
            length = self._begin(self._partial)
            if self._streams(length):
                self._partial.clear()
                yield from self._open(length)
                return
            self._needed += length
            if length:
                return
        raw = bytes(self._partial)
        self._partial.clear()
        self._needed = HEADER_BYTES
        yield self._whole(raw)

    def _begin(self, header: memoryview | bytearray) -> int:
        """Checks a frame header; sets `_head` and returns the length."""
        length = header[0] << 16 | header[1] << 8 | header[2]
        kind, flags = header[3], header[4]
        stream = (header[5] & 0x7F) << 24 | header[6] << 16 | header[7] << 8 | header[8]
        self._head = (kind, flags, stream)
        if not self._begun and (kind != SETTINGS or flags & ACK):
            raise FrameError(ErrorCodes.PROTOCOL_ERROR, "the first frame must be SETTINGS")
        self._begun = True
        if length > self._limits.max_frame_bytes:
            raise FrameError(
                ErrorCodes.FRAME_SIZE_ERROR,
                f"a frame of {length} bytes, at most {self._limits.max_frame_bytes} allowed",
            )
        self._check_block(kind, flags, stream, length)
        if kind == DATA and not stream:
            raise FrameError(ErrorCodes.PROTOCOL_ERROR, "DATA on stream 0")
        if kind in (RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE) and length > CONTROL_FRAME_BYTES:
            raise FrameError(ErrorCodes.FRAME_SIZE_ERROR, f"a control frame of {length} bytes")
        return length

    def _check_block(self, kind: int, flags: int, stream: int, length: int) -> None:
        """Between HEADERS and its END_HEADERS only CONTINUATION may come, and only so many."""
        if kind == CONTINUATION:
            if not self._block_stream or stream != self._block_stream:
                raise FrameError(ErrorCodes.PROTOCOL_ERROR, "CONTINUATION without a header block before it")
            self._continuations += 1
        elif self._block_stream:
            raise FrameError(ErrorCodes.PROTOCOL_ERROR, f"a frame of type {kind} inside a header block")
        elif kind == HEADERS:
            self._block_bytes = self._continuations = 0
        else:
            return
        self._block_stream = 0 if flags & END_HEADERS else stream
        self._block_bytes += length
        limits = self._limits
        if self._block_bytes > limits.header_bytes or self._continuations > limits.max_continuations:
            raise FrameError(
                ErrorCodes.ENHANCE_YOUR_CALM,
                f"a header block of {self._block_bytes} bytes in {self._continuations + 1} frames",
            )

    def _streams(self, length: int) -> bool:
        """Whether the frame need not be complete before it is passed on (padding can only be told from the start)."""
        kind, flags, _ = self._head
        return kind == PRIORITY or kind > CONTINUATION or (kind == DATA and not (flags & PADDED and length))

    def _open(self, length: int) -> Iterator[Piece]:
        self._left = self._opened = length
        if self._head[0] == DATA and length:
            return
        kind, flags, stream = self._head
        yield kind, flags, stream, b"", length, True

    def _pass(self, view: memoryview) -> Iterator[Piece]:
        self._left -= len(view)
        kind, flags, stream = self._head
        if kind == DATA:
            yield kind, flags, stream, view, self._opened, not self._left
            self._opened = -1

    def _whole(self, raw: bytes) -> Piece:
        kind, flags, stream = self._head
        length = len(raw) - HEADER_BYTES
        if kind != DATA:
            return kind, flags, stream, raw, length, True
        padding = raw[HEADER_BYTES]
        if padding >= length:
            raise FrameError(ErrorCodes.PROTOCOL_ERROR, f"{padding} bytes of padding in a DATA frame of {length}")
        return kind, flags, stream, memoryview(raw)[HEADER_BYTES + 1 : len(raw) - padding], length, True
