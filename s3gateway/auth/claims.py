"""The parts that both forms of a signature share: scope, signed headers, dates; parsed once and remembered. Pure.

Clients repeat the same scope and header list for hours and the same date for a second, so small bounded memos make
their parsing free. Must not know: keys, the clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from s3gateway.auth.sigv4 import CredentialScope, SignedHeaders
from s3gateway.errors import S3Error

MEMO_LIMIT = 4096
"""Entries of each memo: the working set of a busy worker, some hundred KiB."""

MEMO_KEY_LIMIT = 512
"""Longer keys (bytes or characters) are computed every time: nobody fills a memo with junk headers."""

_AMZ_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z", re.ASCII)
_AMZ_PREFIX = b"x-amz-"

Key = TypeVar("Key", bytes, str)
Value = TypeVar("Value")


class Memo(dict[Key, Value]):
    """A dict that computes what it misses and starts over when full: bounded, and never slower than no memo."""

    def __init__(self, compute: Callable[[Key], Value]) -> None:
        super().__init__()
        self._compute: Callable[[Key], Value] = compute

    def __missing__(self, key: Key) -> Value:
        value: Value = self._compute(key)
        if len(key) > MEMO_KEY_LIMIT:
            return value
        if len(self) >= MEMO_LIMIT:
            self.clear()
        self[key] = value
        return value


def _parse_scope(raw: bytes) -> CredentialScope | None:
    try:
        parts = raw.decode().rsplit("/", 4)
    except UnicodeDecodeError:
        return None
    if len(parts) != 5 or not all(parts):
        return None
    access_key, date, region, service, terminator = parts
    return CredentialScope(access_key, date, region, service, terminator, "/".join(parts[1:]))


def _parse_signed_headers(raw: bytes) -> SignedHeaders | None:
    names = tuple(raw.split(b";"))
    if not raw or not all(names) or raw != raw.lower():
        return None
    return SignedHeaders(raw, names, frozenset(names))


def _parse_amz_date(text: str) -> float | None:
    match = _AMZ_DATE.fullmatch(text)
    if match is None:
        return None
    try:
        return datetime(*map(int, match.groups()), tzinfo=UTC).timestamp()  # type: ignore[misc, arg-type]
    except ValueError:
        return None


credential_scope: Memo[bytes, CredentialScope | None] = Memo(_parse_scope)
"""`credential_scope[raw]`: the parsed scope, or None where it is malformed."""
signed_headers: Memo[bytes, SignedHeaders | None] = Memo(_parse_signed_headers)
amz_date_seconds: Memo[str, float | None] = Memo(_parse_amz_date)
"""`20130524T000000Z` as seconds since 1970, or None where it is not of that form."""


def http_date_to_amz(text: str) -> str | None:
    """A `Date` header in the basic ISO form that is signed; None if it is no date."""
    if _AMZ_DATE.fullmatch(text):
        return text
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def require_signed(names: Iterable[bytes], signed: SignedHeaders) -> None:
    """Host and every x-amz-* header sent must be signed; nothing else needs to be.

    The payload hash may be left out: it is part of what is signed in any case.
    """
    known = signed.known
    missing = [
        name for name in names if name.startswith(_AMZ_PREFIX) and name not in known and name != b"x-amz-content-sha256"
    ]
    if b"host" not in known:
        missing.append(b"host")
    if missing:
        raise S3Error(
            "AccessDenied",
            "There were headers present in the request which were not signed",
            fields={"HeadersNotSigned": ", ".join(name.decode("latin-1") for name in missing)},
        )
