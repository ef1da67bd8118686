"""`S3Request`: what was asked, parsed from an ASGI scope without losing a byte that may have been signed. Pure.

Decoded values are made on demand: the hot path never decodes what it does not look at.
Must not know: buckets, operations, bodies.
"""

from __future__ import annotations

from collections.abc import Iterable, KeysView, Mapping
from typing import Any

from s3gateway.errors import S3Error
from s3gateway.percent import decode_query_component

Header = tuple[bytes, bytes]


class Query:
    """An ordered multimap of decoded query parameters. `name in query` and `get` are what handlers need."""

    __slots__ = ("_first", "pairs")

    def __init__(self, pairs: tuple[tuple[str, str], ...]) -> None:
        self.pairs = pairs
        first: dict[str, str] = {}
        for name, value in pairs:
            first.setdefault(name, value)
        self._first = first

    def __contains__(self, name: object) -> bool:
        return name in self._first

    def __bool__(self) -> bool:
        return bool(self.pairs)

    @property
    def names(self) -> KeysView[str]:
        return self._first.keys()

    def get(self, name: str, default: str = "") -> str:
        """The first value of `name`; a name without `=` has the value ""."""
        return self._first.get(name, default)

    def find(self, name: str) -> str | None:
        return self._first.get(name)


EMPTY_QUERY = Query(())


def parse_query(raw: bytes, limit: int) -> Query:
    """Decodes `a=1&b&c=%20`. Raises InvalidURI on broken escapes or UTF-8 and on more than `limit` parameters."""
    if not raw:
        return EMPTY_QUERY
    items = raw.split(b"&", limit)
    if len(items) > limit:
        raise S3Error("InvalidURI", f"More than {limit} query parameters were sent.")
    pairs = []
    for item in items:
        if item:
            name, _, value = item.partition(b"=")
            pairs.append((decode_query_component(name), decode_query_component(value)))
    return Query(tuple(pairs))


class S3Request:
    """One request. `headers`: lower-case name -> raw value; repeated lines are joined by commas, as SigV4 has it."""

    __slots__ = (
        "_query",
        "client_host",
        "headers",
        "http_version",
        "method",
        "query_limit",
        "raw_path",
        "raw_query",
        "scheme",
    )

    def __init__(
        self,
        method: str,
        raw_path: bytes,
        raw_query: bytes,
        headers: Mapping[bytes, bytes],
        *,
        client_host: str = "",
        scheme: str = "http",
        http_version: str = "1.1",
        query_limit: int = 256,
    ) -> None:
        self.method = method
        self.raw_path = raw_path
        self.raw_query = raw_query
        self.headers = headers
        self.client_host = client_host
        self.scheme = scheme
        self.http_version = http_version
        self.query_limit = query_limit
        self._query: Query | None = None if raw_query else EMPTY_QUERY

    @classmethod
    def from_scope(cls, scope: Mapping[str, Any], query_limit: int = 256) -> S3Request:
        client = scope.get("client")
        return cls(
            scope["method"],
            scope["raw_path"],
            scope["query_string"],
            join_headers(scope["headers"]),
            client_host=client[0] if client else "",
            scheme=scope.get("scheme", "http"),
            http_version=scope.get("http_version", "1.1"),
            query_limit=query_limit,
        )

    @property
    def query(self) -> Query:
        parsed = self._query
        if parsed is None:
            parsed = self._query = parse_query(self.raw_query, self.query_limit)
        return parsed

    def header(self, name: bytes) -> str | None:
        """The value of lower-case `name` as text (UTF-8 where it is, else Latin-1), stripped; None if absent."""
        value = self.headers.get(name)
        return None if value is None else header_text(value)


def header_text(value: bytes) -> str:
    """HTTP says Latin-1, S3 clients send UTF-8 user metadata raw: take UTF-8 where it is valid."""
    try:
        return value.decode().strip()
    except UnicodeDecodeError:
        return value.decode("latin-1").strip()


def join_headers(lines: Iterable[Header]) -> dict[bytes, bytes]:
    lines = lines if isinstance(lines, list) else list(lines)
    joined = dict(lines)
    if len(joined) != len(lines):
        joined = {}
        for name, value in lines:
            joined[name] = joined[name] + b"," + value if name in joined else value
    return joined
