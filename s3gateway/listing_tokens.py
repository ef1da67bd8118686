"""Continuation tokens: opaque to clients, one small versioned format for every paged listing. Pure.

A token names where the next page starts; it holds no secret and no state, survives restarts and node changes, and is
bound to the kind of listing that made it. Whoever forges one only chooses another starting key.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Final

from dataplane.errors import InvalidContinuationToken

_VERSION: Final = b"1"
_MAX_TOKEN_CHARACTERS: Final = 4096
"""A 1,024-byte key makes a token of about 1,400."""

OBJECTS: Final = b"o"
BUCKETS: Final = b"b"


def encode_token(kind: bytes, after: str) -> str:
    """`kind`: `OBJECTS` or `BUCKETS`; `after`: key or common prefix that the next page starts behind."""
    body = _VERSION + kind + after.encode()
    return base64.urlsafe_b64encode(zlib.crc32(body).to_bytes(4, "big") + body).decode().rstrip("=")


def decode_token(kind: bytes, token: str) -> str:
    """Raises `InvalidContinuationToken` for whatever `encode_token` did not make for this kind."""
    if not token or len(token) > _MAX_TOKEN_CHARACTERS:
        raise InvalidContinuationToken
    try:
        raw = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        after = raw[6:].decode()
    except (binascii.Error, ValueError):
        raise InvalidContinuationToken from None
    if raw[4:6] != _VERSION + kind or zlib.crc32(raw[4:]).to_bytes(4, "big") != raw[:4]:
        raise InvalidContinuationToken
    return after
