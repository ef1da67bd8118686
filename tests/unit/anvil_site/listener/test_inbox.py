"""Unread body: in order, and no more memory than the peer was allowed to send."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anvil_site.listener.inbox import PINNED_RATIO, Inbox


@given(st.lists(st.one_of(st.binary(max_size=50), st.integers(4000, 9000).map(bytes))))
def test_bytes_come_out_as_they_went_in(pieces: list[bytes]) -> None:
    inbox = Inbox()
    for piece in pieces:
        inbox.put(memoryview(piece))
    assert inbox.size == sum(map(len, pieces))
    assert inbox.take() == b"".join(pieces)
    assert inbox.size == 0
    assert inbox.take() == b""


def _held_bytes(inbox: Inbox) -> int:
    owners = {id(piece.obj): len(piece.obj) for piece in inbox._pieces if isinstance(piece, memoryview)}
    return sum(owners.values()) + sum(len(piece) for piece in inbox._pieces if isinstance(piece, bytearray))


@given(st.lists(st.tuples(st.integers(1, 20_000), st.integers(0, 200_000)), max_size=50))
def test_small_pieces_do_not_keep_large_reads(pieces: list[tuple[int, int]]) -> None:
    inbox = Inbox()
    for size, rest in pieces:
        inbox.put(memoryview(bytes(size + rest))[:size])
    assert _held_bytes(inbox) <= PINNED_RATIO * inbox.size
    assert len(inbox._pieces) <= 2 * inbox.size // 4096 + 1


def test_a_large_piece_is_kept_without_a_copy() -> None:
    inbox, data = Inbox(), bytes(10_000)
    inbox.put(memoryview(data))
    assert inbox._pieces[0].obj is data  # type: ignore[union-attr]


def test_clear_says_how_much_there_was() -> None:
    inbox = Inbox()
    inbox.put(memoryview(b"12345"))
    assert inbox.clear() == 5
    assert inbox.take() == b""
