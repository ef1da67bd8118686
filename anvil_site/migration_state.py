"""Which migrations the code brings and whether a database has them: without loading one of them.

Used at start (to skip Django's migration machinery when there is nothing to do) and by the readiness check.
"""

from __future__ import annotations

import importlib.util
import pkgutil
from collections.abc import Iterable

from django.apps import apps

from anvil_site.db_router import alias_of

Migration = tuple[str, str]
"""App label and name, as in the table `django_migrations`."""

APPLIED_QUERY = "SELECT app, name FROM django_migrations"


def expected_migrations(alias: str) -> frozenset[Migration]:
    """The migrations that the installed apps of database `alias` bring."""
    found: set[Migration] = set()
    for config in apps.get_app_configs():
        spec = importlib.util.find_spec(f"{config.name}.migrations") if _has_migrations(config.name) else None
        for location in (spec.submodule_search_locations or []) if spec else []:
            names = [module.name for module in pkgutil.iter_modules([location]) if not module.name.startswith("_")]
            if names and alias_of(config.label) == alias:
                found.update((config.label, name) for name in names)
    return frozenset(found)


def missing_migrations(expected: frozenset[Migration], applied: Iterable[Migration]) -> list[Migration]:
    return sorted(expected.difference(applied))


def _has_migrations(package: str) -> bool:
    return importlib.util.find_spec(f"{package}.migrations") is not None
