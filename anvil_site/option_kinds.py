"""The kinds of values an option may have: text in, typed value out, or a ValueError that says what is wrong.

Pure. Must not know which options there are.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from anvil_site.database_urls import django_database
from dataplane.contracts import Profile

Parse = Callable[[str], Any]
_N = TypeVar("_N", int, float)

_SIZE = re.compile(r"(\d+)\s*([KMGT]i?B|B)?", re.IGNORECASE)
_SIZE_FACTORS = {
    "b": 1,
    "kib": 1 << 10,
    "mib": 1 << 20,
    "gib": 1 << 30,
    "tib": 1 << 40,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
}
_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*\.?", re.IGNORECASE)
_REGION = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_MULTIADDR = re.compile(r"/(ip4|ip6|dns|dns4|dns6)/([^/\s]+)/udp/(\d{1,5})/quic-v1(/p2p/[A-Za-z0-9]+)?")


@dataclass(frozen=True, slots=True)
class Kind:
    """`name` is what the reference shows as the type; `parse` raises ValueError that goes on "NAME: 'text' ..."."""

    name: str
    parse: Parse
    many: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port to listen on. Port 0 lets the system choose one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def integer(minimum: int, maximum: int) -> Kind:
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ValueError("is not a whole number") from None
        return _within(value, minimum, maximum, str)

    return Kind("whole number", parse)


def seconds(minimum: float, maximum: float) -> Kind:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise ValueError("is not a number of seconds") from None
        return _within(value, minimum, maximum, "{:g}".format)

    return Kind("seconds", parse)


def size(minimum: int, maximum: int) -> Kind:
    """Bytes, plain or with a unit (64KiB, 1MiB, 5GB)."""

    def parse(text: str) -> int:
        match = _SIZE.fullmatch(text.strip())
        if match is None:
            raise ValueError("is not a size: write bytes (65536) or a unit (64KiB, 1MiB)")
        value = int(match[1]) * _SIZE_FACTORS[(match[2] or "B").lower()]
        return _within(value, minimum, maximum, str)

    return Kind("size", parse)


def choice(*values: str) -> Kind:
    def parse(text: str) -> str:
        if text not in values:
            raise ValueError(f"is none of {', '.join(values)}")
        return text

    return Kind(" | ".join(values), parse)


def list_of(kind: Kind) -> Kind:
    """Comma separated; empty entries are dropped."""

    def parse(text: str) -> tuple[Any, ...]:
        return tuple(kind.parse(entry.strip()) for entry in text.split(",") if entry.strip())

    return Kind(f"comma-separated list of {kind.name}", parse, many=True)


def _within(value: _N, minimum: _N, maximum: _N, show: Callable[[_N], str]) -> _N:
    if not minimum <= value <= maximum:
        raise ValueError(f"is not between {show(minimum)} and {show(maximum)}")
    return value


def _text(text: str) -> str:
    if any(ord(character) < 32 for character in text):
        raise ValueError("holds control characters")
    return text


def _boolean(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in ("true", "1", "yes", "on"):
        return True
    if lowered in ("false", "0", "no", "off"):
        return False
    raise ValueError("is neither true nor false")


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise ValueError("does not end in a port (0 to 65535)")
    return int(text)


def _address(text: str) -> Address:
    host, colon, port = text.strip().rpartition(":")
    if not colon:
        raise ValueError("is not HOST:PORT")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise ValueError("has no IPv6 address between its brackets") from None
    elif ":" in host:
        raise ValueError("holds an IPv6 address without brackets: write [::1]:50051")
    host = host or "0.0.0.0"  # noqa: S104 - `:50051` means every interface, as everywhere
    if ":" not in host and not _HOST_NAME.fullmatch(host):
        raise ValueError("has no host name or address before the port")
    return Address(host, _port(port))


def _public_address(text: str) -> str:
    """`http://host:port`, `https://host` or `host:port`; returned as a URL without a trailing slash."""
    url = text.strip().rstrip("/")
    if "://" not in url:
        url = f"http://{url}"
    scheme, _, rest = url.partition("://")
    if scheme not in ("http", "https"):
        raise ValueError("does not start with http:// or https://")
    if "/" in rest or "?" in rest or not rest:
        raise ValueError("is not an address: write http://host:port without a path")
    host, colon, port = rest.rpartition(":")
    if colon and not rest.endswith("]"):
        _port(port)
    else:
        host = rest
    if not host.startswith("[") and not _HOST_NAME.fullmatch(host):
        raise ValueError("names no host")
    return url


def _cluster_address(text: str) -> str:
    match = _MULTIADDR.fullmatch(text.strip())
    if match is None or int(match[3]) > 65535:
        raise ValueError("is not a multiaddr like /ip4/0.0.0.0/udp/7443/quic-v1 or /dns4/anvil1/udp/7443/quic-v1")
    return text.strip()


def _database_url(text: str) -> str:
    django_database(text.strip())
    return text.strip()


def _redis_url(text: str) -> str:
    if not text.startswith(("redis://", "rediss://")):
        raise ValueError("does not start with redis:// or rediss://")
    return text


def _path(text: str) -> Path:
    if "\0" in text:
        raise ValueError("holds a zero byte")
    return Path(text).expanduser().absolute()


def _region(text: str) -> str:
    if not _REGION.fullmatch(text):
        raise ValueError("is not a region name: lower-case letters, digits and hyphens, at most 63")
    return text


def _domain(text: str) -> str:
    if not _HOST_NAME.fullmatch(text):
        raise ValueError("is not a domain name")
    return text.lower().rstrip(".")


def _key_id(text: str) -> str:
    if not _KEY_ID.fullmatch(text):
        raise ValueError("is not a key id: letters, digits, '_', '.', '-', at most 64")
    return text


def _hex_key(text: str) -> bytes:
    text = text.strip()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(text) != 64 or len(key) != 32:
        raise ValueError("is not a key of 64 hexadecimal digits (make one with: openssl rand -hex 32)")
    return key


def _named_key(text: str) -> tuple[str, bytes]:
    key_id, colon, key = text.partition(":")
    if not colon:
        raise ValueError("is not ID:64 hexadecimal digits")
    return _key_id(key_id.strip()), _hex_key(key)


def _profile(text: str) -> Profile:
    match = re.fullmatch(r"(\d{1,2})\+(\d{1,2})", text)
    if match is None:
        raise ValueError("is not a profile like 4+2")
    profile = Profile(int(match[1]), int(match[2]))
    if profile.k < 1 or profile.shards > 32:
        raise ValueError("is not a profile of 1 to 32 shards")
    return profile


TEXT = Kind("text", _text)
BOOLEAN = Kind("true | false", _boolean)
ADDRESS = Kind("HOST:PORT", _address)
PUBLIC_ADDRESS = Kind("URL or HOST:PORT", _public_address)
CLUSTER_ADDRESS = Kind("multiaddr", _cluster_address)
DATABASE_URL = Kind("PostgreSQL URL", _database_url)
REDIS_URL = Kind("Redis URL", _redis_url)
PATH = Kind("path", _path)
REGION = Kind("region name", _region)
DOMAIN = Kind("domain", _domain)
KEY_ID = Kind("key id", _key_id)
HEX_KEY = Kind("64 hexadecimal digits", _hex_key)
NAMED_KEY = Kind("ID:64 hexadecimal digits", _named_key)
PROFILE = Kind("K+M", _profile)
