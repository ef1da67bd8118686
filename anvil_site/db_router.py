"""Which database a model lives in, by its app's label. A label not listed here is refused, never guessed."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model

GLOBAL_ALIAS = "default"
REGIONAL_ALIAS = "regional"

ALIAS_BY_APP_LABEL = {
    "control": GLOBAL_ALIAS,
    "admin": GLOBAL_ALIAS,
    "auth": GLOBAL_ALIAS,
    "authtoken": GLOBAL_ALIAS,
    "contenttypes": GLOBAL_ALIAS,
    "sessions": GLOBAL_ALIAS,
    "metadata": REGIONAL_ALIAS,
}


def alias_of(app_label: str) -> str:
    """Raises ImproperlyConfigured for an app whose tables nobody has assigned to a database."""
    try:
        return ALIAS_BY_APP_LABEL[app_label]
    except KeyError:
        raise ImproperlyConfigured(
            f"The app {app_label!r} is assigned to no database; add it to anvil_site/db_router.py."
        ) from None


class DatabaseRouter:
    """Django's router protocol over `ALIAS_BY_APP_LABEL`."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        return alias_of(model._meta.app_label)

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return alias_of(model._meta.app_label)

    def allow_relation(self, first: Model, second: Model, **hints: Any) -> bool:
        return alias_of(first._meta.app_label) == alias_of(second._meta.app_label)

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool:
        return alias_of(app_label) == db
