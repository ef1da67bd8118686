"""The two databases: `default` is the global one (app `control` and Django's own), `regional` holds `metadata`."""

from __future__ import annotations

import os
from typing import Any

from anvil_site.database_urls import django_database

DATABASE_ROUTERS = ["anvil_site.db_router.DatabaseRouter"]

# Placeholders name no server: a command that needs the database gets the real one from `database_access.py`.
_NOWHERE = "postgresql:///{}?host=/nonexistent/anvil-has-no-database-url"

_pool_size = int(os.environ.get("DJANGO_DATABASE_POOL_SIZE", "0"))

DATABASES: dict[str, dict[str, Any]] = {
    "default": django_database(
        os.environ.get("GLOBAL_DATABASE_URL") or _NOWHERE.format("anvil_global"), pool_size=_pool_size
    ),
    "regional": django_database(
        os.environ.get("REGIONAL_DATABASE_URL") or _NOWHERE.format("anvil_regional"), pool_size=_pool_size
    ),
}
