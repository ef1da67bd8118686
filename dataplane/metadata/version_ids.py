"""Ids of versions and uploads: they begin with their time, so that they sort by it, and end in chance.

55 bits of microseconds since 1970 and 105 random bits in base32hex: 32 characters out of 0-9a-v, in byte order.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from datetime import UTC, datetime, timedelta

ID_LENGTH = 32

_RANDOM_BITS = 105
_TIME_BITS = 55
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def new_id(created: datetime) -> str:
    microseconds = (created - _EPOCH) // _MICROSECOND
    number = microseconds << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    return base64.b32hexencode(number.to_bytes((_TIME_BITS + _RANDOM_BITS) // 8)).decode().lower()


def created_of(identifier: str) -> datetime | None:
    """The time an id begins with; None for a text that `new_id` cannot have made."""
    if len(identifier) != ID_LENGTH or identifier != identifier.lower():
        return None
    try:
        number = int.from_bytes(base64.b32hexdecode(identifier.upper()))
        return _EPOCH + (number >> _RANDOM_BITS) * _MICROSECOND
    except (binascii.Error, ValueError, OverflowError):
        return None
