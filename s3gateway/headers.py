"""Header values in S3's forms: dates, user metadata, version ids, content headers. Pure.

Shared by the handlers; knows no operation and no status.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import decode_header
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache
from typing import Final

from dataplane.contracts import NO_HEADERS, NULL_VERSION, ObjectHeaders
from dataplane.errors import MetadataTooLarge
from s3gateway.errors import S3Error, invalid_argument
from s3gateway.request import header_text

Header = tuple[bytes, bytes]

USER_METADATA_PREFIX: Final = b"x-amz-meta-"
_USER_METADATA_PREFIX_BYTES: Final = len(USER_METADATA_PREFIX)

_CONTENT_HEADERS: Final = (
    (b"content-type", "content_type"),
    (b"content-encoding", "content_encoding"),
    (b"content-disposition", "content_disposition"),
    (b"content-language", "content_language"),
    (b"cache-control", "cache_control"),
    (b"expires", "expires"),
    (b"x-amz-website-redirect-location", "website_redirect"),
)

DEFAULT_CONTENT_TYPE: Final = "binary/octet-stream"
"""What S3 answers for an object that was stored without a type."""

_DEFAULT_CONTENT_TYPE_HEADER: Final = (b"content-type", DEFAULT_CONTENT_TYPE.encode())
DEFAULT_CONTENT_TYPE_LINES: Final = (_DEFAULT_CONTENT_TYPE_HEADER,)

_ENCODED_WORDS: Final = re.compile(
    r"=\?[A-Za-z0-9_-]+\?[bBqQ]\?[!->@-~]*\?=(?: +=\?[A-Za-z0-9_-]+\?[bBqQ]\?[!->@-~]*\?=)*"
)
_UNSENDABLE: Final = re.compile(r"[^\x20-\x7e]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_ISO_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}T")


@lru_cache(maxsize=4096)
def _http_date_of(epoch_seconds: int) -> bytes:
    return formatdate(epoch_seconds, usegmt=True).encode()


def http_date(moment: datetime) -> bytes:
    """`Fri, 20 Nov 2026 07:00:00 GMT`; fractions of a second are cut off."""
    return _http_date_of(int(moment.timestamp()))


def iso_date(moment: datetime) -> str:
    """`2026-11-20T07:00:00.000Z`, as S3's documents have it."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def parse_http_date(value: str) -> datetime | None:
    """An HTTP date (any of RFC 9110's forms) or an ISO 8601 one; None if it is neither."""
    try:
        moment = datetime.fromisoformat(value) if _ISO_DATE.match(value) else parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def version_header(version_id: str) -> bytes:
    return b"null" if version_id == NULL_VERSION else version_id.encode()


def version_text(version_id: str) -> str:
    return "null" if version_id == NULL_VERSION else version_id


def parse_version_id(value: str) -> str:
    """The stored id of what a client calls `null` or by its id; an empty one is refused as S3 does."""
    if not value:
        raise invalid_argument("versionId", "", "Version id cannot be the empty string")
    return NULL_VERSION if value == "null" else value


def etag_header(etag: str) -> bytes:
    return b'"%b"' % etag.encode()


# ---------------------------------------------------------------- user metadata


def user_metadata(headers: Mapping[bytes, bytes], limit_bytes: int) -> dict[str, str]:
    """The `x-amz-meta-*` headers, names without the prefix; RFC 2047 words are decoded as S3 does.

    Raises `MetadataTooLarge` beyond `limit_bytes` of names and values in UTF-8.
    """
    found: dict[str, str] = {}
    size = 0
    for name, raw in headers.items():
        if name.startswith(USER_METADATA_PREFIX):
            value = header_text(raw)
            if "=?" in value:
                value = decode_words(value)
            short = header_text(name[_USER_METADATA_PREFIX_BYTES:])
            found[short] = value
            size += len(short.encode()) + len(value.encode())
    if size > limit_bytes:
        raise MetadataTooLarge(size, limit_bytes)
    return found


def decode_words(value: str) -> str:
    """Decodes a value that is nothing but RFC 2047 encoded words; any other, and a broken one, stays as it is."""
    if _ENCODED_WORDS.fullmatch(value) is None:
        return value
    try:
        decoded = "".join(
            part if isinstance(part, str) else part.decode(charset or "latin-1")
            for part, charset in decode_header(value)
        )
    except (ValueError, LookupError, MessageError):
        return value
    return value if _CONTROL.search(decoded) else decoded


def encode_words(value: str) -> str:
    """A value that is not printable ASCII becomes one RFC 2047 word, so that any HTTP client can take it."""
    if _UNSENDABLE.search(value) is None:
        return value
    return f"=?UTF-8?B?{base64.b64encode(value.encode()).decode()}?="


def user_metadata_headers(metadata: Mapping[str, str]) -> Iterable[Header]:
    for name, value in metadata.items():
        sendable = value if value.isascii() and value.isprintable() else encode_words(value)
        yield USER_METADATA_PREFIX + name.encode(), sendable.encode("latin-1")


# ---------------------------------------------------------------- content headers


def content_headers(headers: Mapping[bytes, bytes]) -> ObjectHeaders:
    """The content headers that S3 keeps; `aws-chunked` is framing and no encoding of the object."""
    values: dict[str, str] = {}
    for name, attribute in _CONTENT_HEADERS:
        raw = headers.get(name)
        if raw is not None:
            values[attribute] = header_text(raw)
    if not values:
        return NO_HEADERS
    encoding = values.get("content_encoding")
    if encoding is not None and "aws-chunked" in encoding.lower():
        values["content_encoding"] = without_aws_chunked(encoding)
    redirect = values.get("website_redirect")
    if redirect is not None and not redirect.startswith(("/", "http://", "https://")):
        raise S3Error("InvalidRedirectLocation")
    return ObjectHeaders(**values)


def without_aws_chunked(encoding: str) -> str:
    kept = (coding.strip() for coding in encoding.split(","))
    return ",".join(coding for coding in kept if coding and coding.lower() != "aws-chunked")


@lru_cache(maxsize=1024)
def content_header_lines(headers: ObjectHeaders) -> tuple[Header, ...]:
    """What a GET sends for the stored content headers; most objects of a store share a few."""
    if headers == NO_HEADERS:
        return DEFAULT_CONTENT_TYPE_LINES
    lines: list[Header] = []
    for name, attribute in _CONTENT_HEADERS:
        value: str = getattr(headers, attribute)
        if value:
            lines.append((name, sendable(value)))
        elif name == b"content-type":
            lines.append(_DEFAULT_CONTENT_TYPE_HEADER)
    return tuple(lines)


def sendable(value: str) -> bytes:
    """As header bytes: UTF-8 as it came, control characters taken out (no header can be smuggled in)."""
    return _CONTROL.sub("", value).encode()
