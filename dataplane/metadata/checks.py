"""System checks of the regional database: `manage.py check --database regional` and `migrate` run them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

ALIAS = "regional"
MINIMUM_SERVER_VERSION = 150000


@register(Tags.database)
def check_server(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """The server is new enough and its text is UTF-8: keys are any Unicode, in byte order."""
    if ALIAS not in (databases or ()) or connections[ALIAS].vendor != "postgresql":
        return []
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::integer, current_setting('server_encoding')")
        row = cursor.fetchone()
    assert row is not None
    version, encoding = row
    messages: list[CheckMessage] = []
    if version < MINIMUM_SERVER_VERSION:
        messages.append(
            Error(
                f"The regional database runs PostgreSQL {version // 10000}.",
                hint=f"{MINIMUM_SERVER_VERSION // 10000} is the oldest version supported.",
                id="anvil.E101",
            )
        )
    if encoding != "UTF8":
        messages.append(
            Error(
                f"The regional database has the encoding {encoding}; object keys need UTF8.",
                hint="Create it with ENCODING 'UTF8'.",
                id="anvil.E102",
            )
        )
    return messages
