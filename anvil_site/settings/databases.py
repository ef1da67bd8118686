"""The two databases: `default` is the global one (app `control` and Django's own), `regional` holds `metadata`."""

from __future__ import annotations

import os
from typing import Any

from anvil_site.database_urls import POOL_VARIABLE, DatabaseUrlError, django_database
from anvil_site.options import option_text

DATABASE_ROUTERS = ["anvil_site.db_router.DatabaseRouter"]


def _database(variable: str, name: str) -> dict[str, Any]:
    # No server is there: a command that needs the database gets the real URL from `database_access.py`.
    nowhere = django_database(f"postgresql:///{name}?host=/nonexistent/anvil-has-no-database-url")
    pooled = option_text("DATABASE_PREPARED_STATEMENTS", os.environ) == "false"
    try:
        url = option_text(variable, os.environ)
        database = django_database(url, pool_size=int(os.environ.get(POOL_VARIABLE, "0"))) if url else nowhere
    except DatabaseUrlError:
        database = nowhere  # system check E006 says what is wrong with it
    # A server-side cursor needs one server session, which a pooler by transaction does not give.
    return {**database, "DISABLE_SERVER_SIDE_CURSORS": pooled}


DATABASES: dict[str, dict[str, Any]] = {
    "default": _database("GLOBAL_DATABASE_URL", "anvil_global"),
    "regional": _database("REGIONAL_DATABASE_URL", "anvil_regional"),
}
