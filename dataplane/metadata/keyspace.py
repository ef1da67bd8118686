"""Arithmetic on keys in the order that listings use: bytes of UTF-8, which is the order of code points. Pure.

A listing walks half-open ranges `[start, stop)` of keys. PostgreSQL's text has no NUL, so the least key after `key`
is `key` followed by U+0001.
"""

from __future__ import annotations

LAST_CODE_POINT = "\U0010ffff"
_SURROGATES = range(0xD800, 0xE000)

MAX_KEY_BYTES = 1024
BEYOND_ANY_KEY = LAST_CODE_POINT * (MAX_KEY_BYTES // 4 + 1)
"""Longer than a key may be, and of the greatest code point: added to a prefix it is greater than all keys below it."""


def after(key: str) -> str:
    """The least key greater than `key`."""
    return key + "\x01"


def beyond(prefix: str) -> str | None:
    """The least key greater than all that start with `prefix`; None where there is none (also for "")."""
    stem = prefix.rstrip(LAST_CODE_POINT)
    if not stem:
        return None
    code_point = ord(stem[-1]) + 1
    if code_point in _SURROGATES:
        code_point = _SURROGATES.stop
    return stem[:-1] + chr(code_point)


def beyond_suffix(delimiter: str) -> str:
    """What to put in place of `delimiter` at the end of a common prefix to be beyond all keys below that prefix."""
    return beyond(delimiter) or delimiter + BEYOND_ANY_KEY


def common_prefix(key: str, prefix: str, delimiter: str) -> str | None:
    """The part of `key` up to and including the first delimiter after `prefix`, or None."""
    if not delimiter or not key.startswith(prefix):
        return None
    place = key.find(delimiter, len(prefix))
    return None if place < 0 else key[: place + len(delimiter)]


def start_of(prefix: str, delimiter: str, marker: str) -> str:
    """Where a page begins that continues after `marker`, which is a key or a common prefix.

    Whatever is rolled up into a common prefix that sorts at or before the marker has been listed already, so a marker
    inside a common prefix skips the whole of it.
    """
    if not marker or marker < prefix:
        return prefix
    rolled_up = common_prefix(marker, prefix, delimiter)
    if rolled_up is not None:
        return rolled_up[: -len(delimiter)] + beyond_suffix(delimiter)
    return after(marker)


def before_nul(marker: str) -> str:
    """A marker that sorts the same among keys, none of which has a NUL."""
    return marker.partition("\0")[0]
