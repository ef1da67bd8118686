"""The unread body of one HTTP/2 stream. Pure: no window, no waiting.

Keeps views of what the socket delivered instead of copies, except where a small piece would keep a large read alive.
"""

from __future__ import annotations

SMALL_BYTES = 4096
PINNED_RATIO = 4
"""A view may keep at most this many times its own size in memory."""


class Inbox:
    """Bytes in order; its memory is at most about `PINNED_RATIO` times `size`, however the peer cuts its frames."""

    __slots__ = ("_pieces", "size")

    def __init__(self) -> None:
        self._pieces: list[memoryview | bytearray] = []
        self.size = 0

    def put(self, piece: memoryview) -> None:
        size = len(piece)
        self.size += size
        if size >= SMALL_BYTES and size * PINNED_RATIO >= len(piece.obj):  # type: ignore[arg-type]
            self._pieces.append(piece)
        elif self._pieces and isinstance(self._pieces[-1], bytearray):
            self._pieces[-1] += piece
        else:
            self._pieces.append(bytearray(piece))

    def take(self) -> bytes:
        """Everything there is."""
        pieces, self._pieces, self.size = self._pieces, [], 0
        return bytes(pieces[0]) if len(pieces) == 1 else b"".join(pieces)

    def clear(self) -> int:
        """Drops everything; returns how many bytes that were."""
        size, self.size = self.size, 0
        self._pieces.clear()
        return size
