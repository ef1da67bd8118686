"""Conditional requests: parsing If-* headers and deciding conditional reads. Pure.

Conditional writes are only parsed here: the committing transaction decides them.
Source: RFC 9110 section 13 and the precedence table of GetObject's reference page, which agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from dataplane.contracts import NO_CONDITIONS, ReadConditions, WriteConditions
from dataplane.errors import NotModified, PreconditionFailed
from s3gateway.errors import S3Error, invalid_argument, not_implemented
from s3gateway.headers import parse_http_date
from s3gateway.request import header_text

_ETAG: Final = re.compile(r'\s*(?:W/)?(?:"([^"]*)"|([^\s",]+))\s*(?:,|$)')
_MAX_ETAGS: Final = 64
"""ETags looked at in one header: clients send one, caches a handful."""

IF_MATCH: Final = b"if-match"
IF_NONE_MATCH: Final = b"if-none-match"
IF_MODIFIED_SINCE: Final = b"if-modified-since"
IF_UNMODIFIED_SINCE: Final = b"if-unmodified-since"
_COPY_PREFIX: Final = b"x-amz-copy-source-"


def parse_etags(value: str) -> tuple[str, ...]:
    """`"a", W/"b", c` or `*`: the ETags without quotes; at most 64."""
    if value.strip() == "*":
        return ("*",)
    found = []
    for match in _ETAG.finditer(value):
        found.append(match[1] if match[1] is not None else match[2])
        if len(found) == _MAX_ETAGS:
            break
    return tuple(found)


def read_conditions(headers: Mapping[bytes, bytes], *, copy_source: bool = False) -> ReadConditions | None:
    """The conditions on a read (or, with `copy_source`, on the source of a copy); None where there are none.

    A date that cannot be read is no condition, as HTTP has it.
    """
    prefix = _COPY_PREFIX if copy_source else b""
    match, none_match = headers.get(prefix + IF_MATCH), headers.get(prefix + IF_NONE_MATCH)
    modified, unmodified = headers.get(prefix + IF_MODIFIED_SINCE), headers.get(prefix + IF_UNMODIFIED_SINCE)
    if match is None and none_match is None and modified is None and unmodified is None:
        return None
    return ReadConditions(
        if_match=None if match is None else parse_etags(header_text(match)),
        if_none_match=None if none_match is None else parse_etags(header_text(none_match)),
        if_modified_since=None if modified is None else parse_http_date(header_text(modified)),
        if_unmodified_since=None if unmodified is None else parse_http_date(header_text(unmodified)),
    )


def check_read(conditions: ReadConditions, *, etag: str, last_modified: datetime, now: datetime) -> None:
    """Raises `PreconditionFailed` (412) or `NotModified` (304); returns where the read may go on."""
    changed_at = last_modified.replace(microsecond=0)
    if conditions.if_match is not None:
        if not _matches(conditions.if_match, etag):
            raise PreconditionFailed("If-Match")
    elif conditions.if_unmodified_since is not None and changed_at > conditions.if_unmodified_since:
        raise PreconditionFailed("If-Unmodified-Since")
    if conditions.if_none_match is not None:
        if _matches(conditions.if_none_match, etag):
            raise NotModified(etag, last_modified.timestamp())
        return
    since = conditions.if_modified_since
    # A date in the future is no condition (RFC 9110 13.1.3): else a client with a fast clock never sees a change.
    if since is not None and since <= now and changed_at <= since:
        raise NotModified(etag, last_modified.timestamp())


def check_copy_source(conditions: ReadConditions, *, etag: str, last_modified: datetime, now: datetime) -> None:
    """As `check_read`, but a copy knows no 304: whatever does not hold is a failed precondition."""
    try:
        check_read(conditions, etag=etag, last_modified=last_modified, now=now)
    except PreconditionFailed as error:
        raise PreconditionFailed(f"x-amz-copy-source-{error.condition}") from None
    except NotModified:
        name = "If-None-Match" if conditions.if_none_match is not None else "If-Modified-Since"
        raise PreconditionFailed(f"x-amz-copy-source-{name}") from None


def write_conditions(headers: Mapping[bytes, bytes]) -> WriteConditions:
    """If-Match and If-None-Match of PutObject, CopyObject and CompleteMultipartUpload.

    AWS knows `If-None-Match: *` and `If-Match` with one ETag; `If-Match: *` and `If-None-Match` with one ETag are
    served as well, in their HTTP sense.
    """
    match, none_match = headers.get(IF_MATCH), headers.get(IF_NONE_MATCH)
    if match is None and none_match is None:
        return NO_CONDITIONS
    unwanted = None if none_match is None else _one_etag("If-None-Match", header_text(none_match))
    return WriteConditions(
        if_match=None if match is None else _one_etag("If-Match", header_text(match)),
        if_none_match=unwanted == "*",
        if_none_match_etag=None if unwanted == "*" else unwanted,
    )


def _one_etag(name: str, value: str) -> str:
    etags = parse_etags(value)
    if len(etags) != 1:
        raise not_implemented(f"{name} with a value other than * or one ETag")
    return etags[0]


def delete_conditions(headers: Mapping[bytes, bytes]) -> WriteConditions:
    """If-Match, x-amz-if-match-last-modified-time and x-amz-if-match-size of DeleteObject."""
    match, modified = headers.get(IF_MATCH), headers.get(b"x-amz-if-match-last-modified-time")
    size = headers.get(b"x-amz-if-match-size")
    if match is None and modified is None and size is None:
        return NO_CONDITIONS
    return WriteConditions(
        if_match=None if match is None else parse_one_etag(header_text(match)),
        if_match_last_modified=None if modified is None else parse_condition_date(header_text(modified)),
        if_match_size=None if size is None else parse_condition_size(header_text(size)),
    )


def parse_one_etag(value: str) -> str:
    """One ETag or `*`, without quotes. Anything else matches nothing."""
    etags = parse_etags(value)
    return etags[0] if len(etags) == 1 else value


def parse_condition_date(value: str) -> datetime:
    moment = parse_http_date(value)
    if moment is None:
        raise _invalid_condition("x-amz-if-match-last-modified-time", value, "is not a date")
    return moment


def parse_condition_size(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) <= 20):
        raise _invalid_condition("x-amz-if-match-size", value, "is not a size in bytes")
    return int(value)


def _matches(wanted: tuple[str, ...], etag: str) -> bool:
    return etag in wanted or wanted == ("*",)


def _invalid_condition(name: str, value: str, reason: str) -> S3Error:
    return invalid_argument(name, value, f"{name} {reason}.")
