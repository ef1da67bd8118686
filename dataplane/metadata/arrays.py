"""Columns of a batch as PostgreSQL arrays in the binary format, with types that do not depend on the values.

psycopg derives an array's type from its elements (smallint[] here, bigint[] there, text[] where all are NULL), so
one statement would be prepared once for every mixture; and bytea as text costs four times the CPU. These wrappers fix
the type by class. Must not know any table.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from psycopg.adapt import AdaptersMap, Buffer, Dumper
from psycopg.pq import Format
from psycopg.types.numeric import Int8BinaryDumper

_HEADER = struct.Struct("!iiIii")
_EMPTY = struct.Struct("!iiI")
_LENGTH = struct.Struct("!i")
_NULL = b"\xff\xff\xff\xff"

_BOOL, _BYTEA, _INT8, _TEXT, _TIMESTAMPTZ, _UUID = 16, 17, 20, 25, 1184, 2950
_TIME_ZERO = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _uuid_bytes(value: UUID) -> bytes:
    return value.bytes


_pack_int8 = struct.Struct("!q").pack


def _time_bytes(value: datetime) -> bytes:
    return _pack_int8((value - _TIME_ZERO) // _MICROSECOND)


_ENCODE: dict[int, Callable[[Any], bytes]] = {
    _BOOL: struct.Struct("!?").pack,
    _BYTEA: bytes,
    _INT8: _pack_int8,
    _TEXT: str.encode,
    _TIMESTAMPTZ: _time_bytes,
    _UUID: _uuid_bytes,
}


class PgArray:
    """A one-dimensional array. Elements may be None."""

    __slots__ = ("values",)

    element_oid: ClassVar[int]
    array_oid: ClassVar[int]

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = values

    def dump(self) -> bytes:
        values = self.values
        count = len(values)
        if not count:
            return _EMPTY.pack(0, 0, self.element_oid)
        pieces = [_HEADER.pack(1, 1, self.element_oid, count, 1)]
        encode, length = _ENCODE[self.element_oid], _LENGTH.pack
        for value in values:
            if value is None:
                pieces.append(_NULL)
            else:
                data = encode(value)
                pieces.append(length(len(data)))
                pieces.append(data)
        return b"".join(pieces)


class Int8Array(PgArray):
    __slots__ = ()
    element_oid, array_oid = _INT8, 1016


class TextArray(PgArray):
    """Also for types that PostgreSQL reads from text by a cast: jsonb, smallint[] and the like."""

    __slots__ = ()
    element_oid, array_oid = _TEXT, 1009


class ByteaArray(PgArray):
    __slots__ = ()
    element_oid, array_oid = _BYTEA, 1001


class BoolArray(PgArray):
    __slots__ = ()
    element_oid, array_oid = _BOOL, 1000


class TimeArray(PgArray):
    """Aware datetimes."""

    __slots__ = ()
    element_oid, array_oid = _TIMESTAMPTZ, 1185


class UuidArray(PgArray):
    __slots__ = ()
    element_oid, array_oid = _UUID, 2951


class _PgArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: PgArray) -> Buffer:
        return obj.dump()


def register_types(adapters: AdaptersMap) -> None:
    """Makes a connection send the arrays above, and every int as bigint whatever its size."""
    for kind in (Int8Array, TextArray, ByteaArray, BoolArray, TimeArray, UuidArray):
        dumper = type(f"{kind.__name__}Dumper", (_PgArrayDumper,), {"oid": kind.array_oid})
        adapters.register_dumper(kind, dumper)
    adapters.register_dumper(int, Int8BinaryDumper)
