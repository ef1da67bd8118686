"""An HPACK encoder that never indexes and never compresses (RFC 7541). Pure.

Reply headers are few, short and mostly unique (ETag, request id, date). hpack's own encoder spends ~5 us on each of
them with Huffman coding and a linear search of its table; this one spends well under 1 us and sends ~150 bytes more.
Must not know what the headers mean.
"""

from __future__ import annotations

from collections.abc import Iterable

from hpack.table import HeaderTable

_NO_TABLE = b"\x20"
"""Dynamic table size update to 0, due in the first block (RFC 7541, 4.2)."""


def _length(count: int) -> bytes:
    """An integer with a 7-bit prefix and no Huffman bit."""
    if count < 0x7F:
        return bytes((count,))
    count -= 0x7F
    octets = bytearray((0x7F,))
    while count >= 0x80:
        octets.append(count & 0x7F | 0x80)
        count >>= 7
    octets.append(count)
    return bytes(octets)


def _static_prefixes() -> tuple[dict[bytes, bytes], dict[tuple[bytes, bytes], bytes]]:
    names: dict[bytes, bytes] = {}
    pairs: dict[tuple[bytes, bytes], bytes] = {}
    for index, (name, value) in enumerate(HeaderTable.STATIC_TABLE, start=1):
        names.setdefault(name, bytes((index,)) if index < 0x0F else bytes((0x0F, index - 0x0F)))
        if value:
            pairs[name, value] = bytes((0x80 | index,))
    return names, pairs


_NAMES, _PAIRS = _static_prefixes()


class LiteralEncoder:
    """Takes the place of `hpack.Encoder` in an `H2Connection`."""

    def __init__(self) -> None:
        self.header_table_size = 0
        """Set by h2 when the peer's SETTINGS change. Our table is empty, which fits into any size."""
        self._announced = False

    def encode(self, headers: Iterable[tuple[bytes, bytes]], huffman: bool = False) -> bytes:
        parts: list[bytes] = []
        if not self._announced:
            self._announced = True
            parts.append(_NO_TABLE)
        for name, value in headers:
            indexed = _PAIRS.get((name, value))
            if indexed is not None:
                parts.append(indexed)
                continue
            parts.append(_NAMES.get(name) or b"\x00" + _length(len(name)) + name)
            parts.append(_length(len(value)))
            parts.append(value)
        return b"".join(parts)
