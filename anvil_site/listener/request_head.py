"""The header list of an HTTP/2 request, checked (RFC 9113, 8.2 and 8.3) and taken apart. Pure.

h2's own validation answers a malformed request by ending the connection, which behind a proxy belongs to many
clients; here it is a value and the stream alone is reset. Must not know streams or ASGI.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+").fullmatch
_METHOD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_FORBIDDEN_BYTES = re.compile(rb"[\0\r\n]").search
_TARGET = re.compile(rb"[\x21-\x7e\x80-\xff]+").fullmatch
_CONNECTION_NAMES = frozenset((b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"))
_PSEUDO_NAMES = frozenset((b":method", b":scheme", b":authority", b":path"))
Headers = list[tuple[bytes, bytes]]


class MalformedRequest(ValueError):
    """The stream is to be reset with PROTOCOL_ERROR."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """`headers` begins with `host` and holds no pseudo header; `raw_path` has no query and is not decoded."""

    method: str
    scheme: str
    raw_path: bytes
    query: bytes
    headers: Headers
    content_length: int | None
    expects_continue: bool
    content_type: bytes


def parse_request_head(block: Sequence[tuple[bytes, bytes]]) -> RequestHead:
    pseudo, headers = _split(block)
    method, scheme, target = pseudo.get(b":method"), pseudo.get(b":scheme"), pseudo.get(b":path")
    if not method or not scheme or not target:
        raise MalformedRequest(":method, :scheme and :path are needed")
    if not _METHOD(method) or method == b"CONNECT":
        raise MalformedRequest(f"the method {method!r} is not served")
    if not _TARGET(target) or not (target.startswith(b"/") or target == b"*"):
        raise MalformedRequest(f"{target!r} is not a path")
    special = _check_fields(headers)
    host, authority = special.get(b"host"), pseudo.get(b":authority")
    if host is None and authority is None:
        raise MalformedRequest("neither :authority nor host")
    if host is not None and authority is not None and host != authority:
        raise MalformedRequest(f":authority {authority!r} and host {host!r} differ")
    if host is None:
        headers.insert(0, (b"host", authority or b""))
    raw_path, _, query = target.partition(b"?")
    length = special.get(b"content-length")
    return RequestHead(
        method=method.decode("ascii"),
        scheme=scheme.decode("latin-1"),
        raw_path=raw_path,
        query=query,
        headers=headers,
        content_length=None if length is None else int(length),
        expects_continue=special.get(b"expect", b"").lower() == b"100-continue",
        content_type=special.get(b"content-type", b""),
    )


def check_trailers(block: Sequence[tuple[bytes, bytes]]) -> None:
    pseudo, headers = _split(block)
    if pseudo:
        raise MalformedRequest("pseudo headers in trailers")
    _check_fields(headers)


def _split(block: Sequence[tuple[bytes, bytes]]) -> tuple[dict[bytes, bytes], Headers]:
    pseudo: dict[bytes, bytes] = {}
    headers: Headers = []
    for name, value in block:
        if name[:1] != b":":
            headers.append((name, value))
        elif headers or name in pseudo or name not in _PSEUDO_NAMES:
            raise MalformedRequest(f"the pseudo header {name!r} is unknown, late or there twice")
        else:
            pseudo[name] = value
    if _FORBIDDEN_BYTES(b"".join([value for _, value in block])):
        raise MalformedRequest("a header value holds CR, LF or NUL")
    return pseudo, headers


_SPECIAL = frozenset((b"host", b"content-length", b"expect", b"content-type", b"te", b"cookie"))


def _check_fields(headers: Headers) -> dict[bytes, bytes]:
    """Checks every field; returns the few that are looked at. Joins split cookies (RFC 9113, 8.2.3)."""
    special: dict[bytes, bytes] = {}
    cookies = 0
    for name, value in headers:
        if not _TOKEN(name) or name in _CONNECTION_NAMES:
            raise MalformedRequest(f"the header name {name!r} is not allowed in HTTP/2")
        if value[:1] in (b" ", b"\t") or value[-1:] in (b" ", b"\t"):
            raise MalformedRequest(f"the value of {name!r} begins or ends with white space")
        if name not in _SPECIAL:
            continue
        if name == b"cookie":
            cookies += 1
        elif name in special and (name == b"host" or value != special[name]):
            raise MalformedRequest(f"{name!r} is there twice")
        else:
            special[name] = value
    length = special.get(b"content-length", b"0")
    if not length.isdigit() or len(length) > 19:
        raise MalformedRequest(f"content-length {length!r} is not a number of bytes")
    if special.get(b"te", b"trailers").lower() != b"trailers":
        raise MalformedRequest("te may only ask for trailers")
    if cookies > 1:
        joined = b"; ".join([value for name, value in headers if name == b"cookie"])
        headers[:] = [field for field in headers if field[0] != b"cookie"]
        headers.append((b"cookie", joined))
    return special
