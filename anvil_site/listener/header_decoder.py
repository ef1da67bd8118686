"""HPACK decoding (RFC 7541) at a fraction of the time of `hpack`'s, whose tables and errors it uses. Pure.

A signed request carries a Huffman-coded Authorization header that is never the same twice; hpack walks it by nibbles,
about 100 us, a third of what a small HTTP/2 request costs. Here a state machine takes whole bytes. hpack's own decoder
is the oracle of the tests: same answer or both an error, for any input. Must not know what headers mean.
"""

from __future__ import annotations

from collections.abc import Iterable

from hpack.exceptions import HPACKDecodingError, OversizedHeaderListError
from hpack.hpack import Decoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

ENTRY_OVERHEAD_BYTES = 32
"""What the RFC counts for an entry besides name and value."""
_EOS = 256
_LONGEST_INTEGER_SHIFT = 21
"""Integers of more than five octets mean nothing here: no header is that long."""

_Row = list[tuple[int, bytes] | None]


class OverlongInteger(HPACKDecodingError):
    """Allowed by the RFC in zero-padded form, used by nobody, and a way to keep a decoder busy."""


class _Huffman:
    """States are the inner nodes of the code's tree; a row says, for each byte, the next state and what is emitted.

    Rows are built when first used: there are 256 states and a client meets a few dozen.
    """

    def __init__(self) -> None:
        self._children: list[list[int]] = [[0, 0]]
        """Of each inner node: > 0 another inner node, < 0 the symbol -value-1."""
        for symbol, (code, length) in enumerate(zip(REQUEST_CODES, REQUEST_CODES_LENGTH, strict=True)):
            node = 0
            for bit in range(length - 1, 0, -1):
                branch = code >> bit & 1
                if not self._children[node][branch]:
                    self._children.append([0, 0])
                    self._children[node][branch] = len(self._children) - 1
                node = self._children[node][branch]
            self._children[node][code & 1] = -symbol - 1
        self._rows: list[_Row | None] = [None] * len(self._children)
        self._may_end = [False] * len(self._children)
        node = 0
        for _ in range(8):  # up to 7 bits of padding, all ones: the beginning of EOS
            self._may_end[node] = True
            node = self._children[node][1]

    def _build_row(self, state: int) -> _Row:
        row: _Row = []
        for byte in range(256):
            node, emitted = state, bytearray()
            for bit in range(7, -1, -1):
                node = self._children[node][byte >> bit & 1]
                if node < 0:
                    if node == -_EOS - 1:
                        break
                    emitted.append(-node - 1)
                    node = 0
            row.append(None if node < 0 else (node, bytes(emitted)))
        self._rows[state] = row
        return row

    def decode(self, data: bytes) -> bytes:
        rows, state = self._rows, 0
        parts: list[bytes] = []
        for byte in data:
            step = (rows[state] or self._build_row(state))[byte]
            if step is None:
                raise HPACKDecodingError("EOS inside a Huffman string")
            state, emitted = step
            parts.append(emitted)
        if not self._may_end[state]:
            raise HPACKDecodingError("a Huffman string ends inside a symbol")
        return b"".join(parts)


_huffman_decode = _Huffman().decode


def _integer(data: bytes, position: int, mask: int) -> tuple[int, int]:
    """An integer whose prefix is `mask` of the byte at `position`; and where the next thing begins."""
    value = data[position] & mask
    position += 1
    if value < mask:
        return value, position
    for shift in range(0, _LONGEST_INTEGER_SHIFT + 1, 7):
        octet = data[position]
        position += 1
        value += (octet & 0x7F) << shift
        if octet < 0x80:
            return value, position
    raise OverlongInteger("an integer of more than five octets")


def _string(data: bytes, position: int) -> tuple[bytes, int]:
    coded = data[position] & 0x80
    length, position = _integer(data, position, 0x7F)
    end = position + length
    if end > len(data):
        raise HPACKDecodingError("a string runs over the end of the header block")
    value = data[position:end]
    return (_huffman_decode(value) if coded else value), end


class HeaderDecoder(Decoder):
    """Takes the place of `hpack.Decoder` in an `H2Connection`. Returns plain pairs of bytes."""

    def decode(self, data: bytes, raw: bool = True) -> Iterable[tuple[bytes, bytes]]:  # type: ignore[override]
        try:
            return self._decode(data)
        except IndexError as error:
            raise HPACKDecodingError("the header block is truncated") from error

    def _decode(self, data: bytes) -> list[tuple[bytes, bytes]]:
        table = self.header_table
        headers: list[tuple[bytes, bytes]] = []
        left_bytes = self.max_header_list_size
        position, end = 0, len(data)
        while position < end:
            first = data[position]
            if first & 0x80:
                index, position = _integer(data, position, 0x7F)
                header = table.get_by_index(index)
            elif first & 0xE0 == 0x20:
                if headers:
                    raise HPACKDecodingError("a table size update inside a header block")
                size, position = _integer(data, position, 0x1F)
                if size > self.max_allowed_table_size:
                    raise HPACKDecodingError(f"a table of {size} bytes is larger than allowed")
                self.header_table_size = size
                continue
            else:
                index, position = _integer(data, position, 0x3F if first & 0x40 else 0x0F)
                if index:
                    name = table.get_by_index(index)[0]
                else:
                    name, position = _string(data, position)
                value, position = _string(data, position)
                header = (name, value)
                if first & 0x40:
                    table.add(name, value)
            headers.append(header)
            left_bytes -= len(header[0]) + len(header[1]) + ENTRY_OVERHEAD_BYTES
            if left_bytes < 0:
                raise OversizedHeaderListError(f"a header list of more than {self.max_header_list_size} bytes")
        self._assert_valid_table_size()
        return headers
