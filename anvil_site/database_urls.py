"""PostgreSQL URLs into Django's dictionaries. Pure; knows the URL forms of libpq and nothing of options."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

POOL_VARIABLE = "DJANGO_DATABASE_POOL_SIZE"
"""Set by the processes that serve the console, whose threads come and go; commands need no pool."""

SCHEMES = ("postgresql", "postgres")


class DatabaseUrlError(ValueError):
    """Not a PostgreSQL URL. `str()` never repeats the URL: it may hold a password."""


def django_database(url: str, *, pool_size: int = 0) -> dict[str, Any]:
    """`postgresql://user:password@host:port/name?option=value`, also with `?host=/socket/directory`.

    With `pool_size` connections come from a psycopg pool: under ASGI every request may run in another
    thread, and persistent connections per thread would exhaust the server.
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise DatabaseUrlError("does not start with postgresql://; Anvil runs on PostgreSQL only")
    try:
        port = parts.port
    except ValueError:
        raise DatabaseUrlError("has a port that is not a number") from None
    options: dict[str, Any] = dict(parse_qsl(parts.query, keep_blank_values=True))
    host = options.pop("host", "") or unquote(parts.hostname or "")
    name = unquote(parts.path.lstrip("/")) or options.pop("dbname", "")
    if not name:
        raise DatabaseUrlError("names no database: postgresql://user:password@host:port/NAME")
    if pool_size > 0:
        options["pool"] = {"min_size": 1, "max_size": pool_size, "timeout": 10.0}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or "") or options.pop("user", ""),
        "PASSWORD": unquote(parts.password or "") or options.pop("password", ""),
        "HOST": host,
        "PORT": str(port or options.pop("port", "") or ""),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,
        "OPTIONS": options,
    }
