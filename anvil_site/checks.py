"""System checks `anvil.E001` and on: what would make a node unsafe or send rows to the wrong database.

`manage.py check` reports them; `anvil_serve` refuses to start on them. They read options, settings and models and open
no connection.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db.models import ForeignKey, ManyToManyField, Model

from anvil_site.db_router import ALIAS_BY_APP_LABEL, alias_of
from anvil_site.options import BadOptions, Options, load_options

TAG = "anvil"
_POSTGRESQL = "django.db.backends.postgresql"
_FEWEST_DISTINCT_CHARACTERS = 8
_KNOWN_SECRETS = ("changeme", "change-me", "change_me", "password", "secret-key", "your-secret", "insecure", "example")


def register() -> None:
    for check in (check_options, check_storage_paths, check_routing, check_relations, check_engines, check_redis):
        checks.register(check, TAG)


def check_options(**_: Any) -> list[checks.CheckMessage]:
    """E006 for each wrong option; E001 for each secret that can be guessed."""
    try:
        options = load_options(os.environ)
    except BadOptions as error:
        return [checks.Error(problem, id="anvil.E006") for problem in error.problems]
    return [
        checks.Error(
            f"{variable} is easy to guess.",
            hint="Make one with: openssl rand -hex 32",
            id="anvil.E001",
        )
        for variable in weak_secrets(options)
    ]


def weak_secrets(options: Options) -> list[str]:
    """Names of the variables whose secret has too few different characters or is a known sample."""
    secrets = {
        "JWT_SECRET": options.jwt_secret,
        "CLUSTER_SECRET": options.cluster_secret,
        "DJANGO_SECRET_KEY": options.django_secret_key,
        "ANVIL_SECRET_ENCRYPTION_KEY": options.secret_encryption_key,
    }
    return [variable for variable, secret in secrets.items() if secret is not None and _is_weak(secret)]


def _is_weak(secret: str | bytes) -> bool:
    if len(set(secret)) < _FEWEST_DISTINCT_CHARACTERS:
        return True
    return isinstance(secret, str) and any(sample in secret.lower() for sample in _KNOWN_SECRETS)


def check_storage_paths(**_: Any) -> list[checks.CheckMessage]:
    """E002 for a storage path that exists and cannot be used. One that does not exist is made at the first start."""
    try:
        options = load_options(os.environ)
    except BadOptions:
        return []
    return [
        checks.Error(
            f"The storage path {path} {reason}.", hint="Give it to the account that runs Anvil.", id="anvil.E002"
        )
        for path in options.storage_paths
        if (reason := unusable(path))
    ]


def unusable(path: Path) -> str:
    """Why a storage path cannot be used; "" where it can, or where it is still to be made."""
    try:
        if not path.exists():
            return ""
        if not path.is_dir():
            return "is not a directory"
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    return "" if os.access(path, os.R_OK | os.W_OK | os.X_OK) else "cannot be read and written by this account"


def check_routing(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """E003 for an app with tables that no database is assigned to, or to one that is not configured."""
    problems: list[checks.CheckMessage] = []
    for config in app_configs or apps.get_app_configs():
        if not any(True for _ in config.get_models()):
            continue
        try:
            alias = alias_of(config.label)
        except ImproperlyConfigured as error:
            problems.append(checks.Error(str(error), id="anvil.E003"))
            continue
        if alias not in settings.DATABASES:
            problems.append(
                checks.Error(f"The app {config.label!r} lives in an unknown database {alias!r}.", id="anvil.E003")
            )
    return problems


def check_relations(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """E004 for a foreign key or many-to-many relation from one database to the other."""
    models = (model for config in app_configs or apps.get_app_configs() for model in config.get_models())
    return [
        checks.Error(
            f"{model._meta.label}.{name} refers to {target}, which lives in the other database.",
            hint="Store the id as a plain column; no constraint can cross databases.",
            obj=model,
            id="anvil.E004",
        )
        for model, name, target in crossing_relations(models)
    ]


def crossing_relations(models: Iterable[type[Model]]) -> list[tuple[type[Model], str, str]]:
    crossing = []
    for model in models:
        for field in (*model._meta.local_fields, *model._meta.local_many_to_many):
            target = field.related_model if isinstance(field, ForeignKey | ManyToManyField) else None
            if not isinstance(target, type):
                continue
            aliases = {ALIAS_BY_APP_LABEL.get(each._meta.app_label) for each in (model, target)}
            if len(aliases) > 1:
                crossing.append((model, field.name, target._meta.label))
    return crossing


def check_engines(**_: Any) -> list[checks.CheckMessage]:
    """E005: leases, task queues and the hot path's SQL exist for PostgreSQL only."""
    return [
        checks.Error(
            f"The database {alias!r} runs on {database['ENGINE']!r}; Anvil runs on PostgreSQL only.", id="anvil.E005"
        )
        for alias, database in settings.DATABASES.items()
        if database["ENGINE"] != _POSTGRESQL
    ]


def check_redis(**_: Any) -> list[checks.CheckMessage]:
    """E007: the Redis client is an extra."""
    backend = settings.CACHES["default"]["BACKEND"]
    if not backend.endswith(".RedisCache") or importlib.util.find_spec("redis") is not None:
        return []
    return [checks.Error("CACHE_BACKEND is redis and the package 'redis' is not installed.", id="anvil.E007")]
