"""Which bucket and key does a request name? Path style and virtual-host style. Pure.

Keys come from the raw path by percent-decoding alone: `a//b`, `a/../b` and `x/` are keys like any other.
Must not know: operations, whether anything exists.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from s3gateway.auth.claims import Memo
from s3gateway.errors import S3Error
from s3gateway.operations.spec import Scope
from s3gateway.percent import decode
from s3gateway.request import S3Request
from s3gateway.settings import MAX_KEY_BYTES

RESERVED_PREFIX = "_anvil/"
"""Keys under it belong to the store itself, in every bucket, for every caller."""

_BUCKET_NAME = re.compile(r"(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+\Z)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)


class Address(NamedTuple):
    scope: Scope
    bucket: str
    key: str
    virtual_host: bool


SERVICE_ADDRESS = Address(Scope.SERVICE, "", "", False)


def check_bucket_name(name: str) -> str:
    """Gives `name` back. Raises InvalidBucketName for what no bucket can be called.

    The finer rules (no reserved prefix ...) are for who creates one: the directory knows them.
    """
    if _BUCKET_NAME.fullmatch(name) is None:
        raise S3Error("InvalidBucketName", fields={"BucketName": name})
    return name


def check_key(key: str) -> str:
    """Gives `key` back. Raises KeyTooLongError, InvalidURI (NUL) or UnauthorizedReservedNamespace.

    For every key that a request names: in its path, as a copy source, in a multi-delete.
    """
    if key.startswith(RESERVED_PREFIX):
        raise S3Error("UnauthorizedReservedNamespace")
    if len(key) * 4 > MAX_KEY_BYTES:
        size_bytes = len(key.encode())
        if size_bytes > MAX_KEY_BYTES:
            raise S3Error("KeyTooLongError", fields={"Size": str(size_bytes), "MaxSizeAllowed": str(MAX_KEY_BYTES)})
    if "\x00" in key:
        raise S3Error("InvalidURI", "A key cannot hold the NUL character.")
    return key


def parse_copy_source(value: str) -> tuple[str, str, str | None]:
    """`[/]bucket/key[?versionId=...]`, percent-encoded, of x-amz-copy-source: (bucket, key, version id or None).

    Raises InvalidArgument for what names no object, and what `check_bucket_name` and `check_key` raise.
    """
    path, question, query = value.partition("?")
    version_id: str | None = None
    if question:
        name, _, version = query.partition("=")
        if name != "versionId" or not version:
            raise _copy_source_fault(value)
        version_id = decode(version.encode())
    # Decoded as a whole: clients encode the slash after the bucket too.
    bucket, slash, key = decode(path.encode()).removeprefix("/").partition("/")
    if not slash or not bucket or not key:
        raise _copy_source_fault(value)
    return check_bucket_name(bucket), check_key(key), version_id


def _copy_source_fault(value: str) -> S3Error:
    return S3Error(
        "InvalidArgument",
        "Invalid copy source object key",
        fields={"ArgumentName": "x-amz-copy-source", "ArgumentValue": value},
    )


class Addressing:
    """Parses addresses for one set of domains. `domains`: lower-case, without ports."""

    def __init__(self, domains: tuple[str, ...]) -> None:
        # The longest first: `s3.example.com` before `example.com`.
        self._suffixes = tuple(sorted((f".{domain}" for domain in domains), key=len, reverse=True))
        self._domains = frozenset(domains)
        self._bucket_of_host: Memo[bytes, str] = Memo(self._bucket_from_host)
        self._bucket_of_segment: Memo[bytes, str] = Memo(_bucket_from_segment)

    def address(self, request: S3Request) -> Address:
        """Raises InvalidURI, InvalidBucketName, KeyTooLongError, UnauthorizedReservedNamespace."""
        path = request.raw_path
        if not path.startswith(b"/"):
            raise S3Error("InvalidURI")
        bucket = self._bucket_of_host[request.headers.get(b"host", b"")] if self._suffixes else ""
        if bucket:
            check_bucket_name(bucket)
            raw_key, virtual_host = path[1:], True
        else:
            segment, _, raw_key = path[1:].partition(b"/")
            virtual_host = False
            if not segment:
                if raw_key:
                    raise S3Error("InvalidBucketName", fields={"BucketName": ""})
                return SERVICE_ADDRESS
            bucket = self._bucket_of_segment[segment]
        if not raw_key:
            return Address(Scope.BUCKET, bucket, "", virtual_host)
        return Address(Scope.OBJECT, bucket, check_key(decode(raw_key)), virtual_host)

    def _bucket_from_host(self, raw: bytes) -> str:
        host = raw.decode("latin-1").strip().lower()
        name, colon, port = host.rpartition(":")
        if colon and port.isdigit():
            host = name
        host = host.removesuffix(".")
        if host in self._domains:
            return ""
        for suffix in self._suffixes:
            if host.endswith(suffix):
                return host.removesuffix(suffix)
        return ""


def _bucket_from_segment(segment: bytes) -> str:
    return check_bucket_name(decode(segment))
