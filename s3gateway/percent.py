"""Percent-encoding by S3's rules, in both directions. Pure; knows nothing of requests.

Unreserved are A-Z a-z 0-9 - . _ ~ ; everything else is %XX with upper-case digits. In a query `+` is a space.
"""

from __future__ import annotations

import re
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from s3gateway.errors import S3Error

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def decode(raw: bytes) -> str:
    """Decodes percent-escapes to text; `InvalidURI` where an escape or the UTF-8 is broken."""
    if b"%" in raw:
        if _BROKEN_ESCAPE.search(raw) is not None:
            raise S3Error("InvalidURI")
        raw = unquote_to_bytes(raw)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise S3Error("InvalidURI") from None


def decode_query_component(raw: bytes) -> str:
    return decode(raw.replace(b"+", b" ") if b"+" in raw else raw)


def encode(text: str) -> str:
    """For query names and values, and for `encoding-type=url` (there `/` stays: use `encode_path`)."""
    return quote(text, safe="-._~")


def encode_path(text: str) -> str:
    return quote(text, safe="/-._~")


def canonical_path(raw: bytes) -> bytes:
    """The path re-encoded by S3's rules, whatever way the client spelled it."""
    return quote_from_bytes(unquote_to_bytes(raw), safe="/-._~").encode()


def canonical_component(raw: bytes) -> bytes:
    return quote_from_bytes(unquote_to_bytes(raw.replace(b"+", b" ")), safe="-._~").encode()
