"""Frames are cut alike however the bytes arrive, and rules hold before a frame is buffered."""

from __future__ import annotations

import itertools
import struct

import pytest
from h2.errors import ErrorCodes
from hypothesis import given
from hypothesis import strategies as st

from anvil_site.listener.errors import FrameError
from anvil_site.listener.frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    FrameSplitter,
)
from anvil_site.listener.limits import Limits

LIMITS = Limits(max_frame_bytes=1000, header_bytes=500, max_continuations=3)
OPENING = struct.pack(">HBBBI", 0, 0, SETTINGS, 0, 0)

Cut = list[tuple[int, int, int, bytes, int]]


def frame(kind: int, flags: int = 0, stream: int = 1, payload: bytes = b"") -> bytes:
    return struct.pack(">HBBBI", len(payload) >> 8, len(payload) & 0xFF, kind, flags, stream) + payload


def cut(chunks: list[bytes], limits: Limits = LIMITS) -> tuple[Cut, int | None]:
    """Frames with the pieces of DATA joined, and the error that ended them."""
    splitter = FrameSplitter(limits)
    frames: Cut = []
    body, opened = b"", 0
    try:
        for chunk in chunks:
            for kind, flags, stream, piece, length, complete in splitter.feed(chunk):
                if length >= 0:
                    body, opened = b"", length
                body += bytes(piece)
                if complete:
                    frames.append((kind, flags, stream, body, opened))
    except FrameError as error:
        return frames, error.code
    return frames, None


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(at % (len(data) + 1) for at in cuts), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(edges)]


def padded(body: bytes, padding: int) -> bytes:
    return frame(DATA, PADDED, 1, bytes([padding]) + body + bytes(padding))


frames = st.one_of(
    st.builds(frame, st.just(DATA), st.sampled_from([0, 1]), st.integers(1, 9), st.binary(max_size=1010)),
    st.builds(padded, st.binary(max_size=300), st.integers(0, 255)),
    st.builds(frame, st.just(HEADERS), st.sampled_from([0, 4, 5]), st.integers(1, 9), st.binary(max_size=300)),
    st.builds(frame, st.just(CONTINUATION), st.sampled_from([0, 4]), st.integers(1, 9), st.binary(max_size=300)),
    st.builds(
        frame, st.sampled_from([PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, 10, 200]),
        st.integers(0, 255), st.integers(0, 9), st.binary(max_size=100),
    ),
    st.binary(max_size=30),
)  # fmt: skip


@given(st.lists(frames, max_size=8), st.lists(st.integers(0, 100_000), max_size=40))
def test_any_split_of_the_input_gives_the_same_frames(parts: list[bytes], cuts: list[int]) -> None:
    data = OPENING + b"".join(parts)
    assert cut(in_pieces(data, cuts)) == cut([data])


@given(st.lists(frames, max_size=4))
def test_byte_by_byte_gives_the_same_frames(parts: list[bytes]) -> None:
    data = OPENING + b"".join(parts)
    assert cut([data[at : at + 1] for at in range(len(data))]) == cut([data])


def test_data_is_passed_on_as_it_arrives() -> None:
    splitter = FrameSplitter(LIMITS)
    whole = frame(DATA, 1, 3, b"abcdef")
    assert list(splitter.feed(OPENING))
    assert list(splitter.feed(whole[:11])) == [(DATA, 1, 3, b"ab", 6, False)]
    assert list(splitter.feed(whole[11:])) == [(DATA, 1, 3, b"cdef", -1, True)]


def test_data_is_not_copied() -> None:
    splitter = FrameSplitter(LIMITS)
    list(splitter.feed(OPENING))
    data = frame(DATA, 0, 1, bytes(100))
    ((_, _, _, piece, _, _),) = splitter.feed(data)
    assert isinstance(piece, memoryview)
    assert piece.obj is data


def test_padding_is_removed() -> None:
    assert cut([OPENING + padded(b"body", 7)])[0][1:] == [(DATA, PADDED, 1, b"body", 12)]


@pytest.mark.parametrize("kind", [PRIORITY, 10, 0xFF])
def test_frames_nobody_reads_come_without_their_bytes(kind: int) -> None:
    data = OPENING + frame(kind, 3, 5, bytes(900)) + frame(PING, 0, 0, bytes(8))
    assert [entry[:4] for entry in cut([data])[0][1:]] == [(kind, 3, 5, b""), (PING, 0, 0, frame(PING, 0, 0, bytes(8)))]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(DATA, 0, 1, bytes(1001)), ErrorCodes.FRAME_SIZE_ERROR),
        (frame(0x99, 0, 1, bytes(1001)), ErrorCodes.FRAME_SIZE_ERROR),
        (frame(DATA, 0, 0, b"x"), ErrorCodes.PROTOCOL_ERROR),
        (frame(DATA, PADDED, 1, b"\x04abc"), ErrorCodes.PROTOCOL_ERROR),
        (frame(CONTINUATION, END_HEADERS, 1), ErrorCodes.PROTOCOL_ERROR),
        (frame(HEADERS, 0, 1) + frame(DATA, 0, 1, b"x"), ErrorCodes.PROTOCOL_ERROR),
        (frame(HEADERS, 0, 1) + frame(HEADERS, 4, 1), ErrorCodes.PROTOCOL_ERROR),
        (frame(HEADERS, 0, 1) + frame(CONTINUATION, 4, 3), ErrorCodes.PROTOCOL_ERROR),
        (frame(HEADERS, 4, 1) + frame(CONTINUATION, 4, 1), ErrorCodes.PROTOCOL_ERROR),
        (frame(HEADERS, 4, 1, bytes(501)), ErrorCodes.ENHANCE_YOUR_CALM),
        (frame(HEADERS, 0, 1, bytes(300)) + frame(CONTINUATION, 4, 1, bytes(201)), ErrorCodes.ENHANCE_YOUR_CALM),
        (frame(HEADERS, 0, 1) + frame(CONTINUATION, 0, 1) * 4, ErrorCodes.ENHANCE_YOUR_CALM),
    ],
)
def test_broken_rules(data: bytes, code: int) -> None:
    assert cut([OPENING + data])[1] == code


def test_a_frame_that_is_too_large_is_refused_by_its_header_alone() -> None:
    assert cut([OPENING, struct.pack(">HBBBI", 0xFFFF, 0xFF, HEADERS, 4, 1)]) == (
        [(SETTINGS, 0, 0, OPENING, 0)],
        ErrorCodes.FRAME_SIZE_ERROR,
    )


def test_large_control_frames_are_refused() -> None:
    limits = Limits()
    assert cut([OPENING + frame(SETTINGS, 0, 0, bytes(16 * 1024 + 6))[:9]], limits)[1] == ErrorCodes.FRAME_SIZE_ERROR


@pytest.mark.parametrize("first", [frame(PING, 0, 0, bytes(8)), frame(SETTINGS, 1, 0), frame(DATA, 0, 1)])
def test_settings_come_first(first: bytes) -> None:
    assert cut([first]) == ([], ErrorCodes.PROTOCOL_ERROR)
