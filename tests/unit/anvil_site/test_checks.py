"""System checks: each error is provoked once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.test.utils import isolate_apps

from anvil_site import checks
from anvil_site.db_router import DatabaseRouter, alias_of


def ids(messages: list[Any]) -> list[str]:
    return [message.id for message in messages]


def test_the_project_itself_passes() -> None:
    assert run_checks() == []


@pytest.mark.parametrize("secret", ["a" * 40, "abababababababababab", "my-changeme-secret-value", "0" * 64])
def test_e001_a_guessable_secret(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    name = "ANVIL_SECRET_ENCRYPTION_KEY" if secret == "0" * 64 else "JWT_SECRET"
    monkeypatch.setenv(name, secret)
    (message,) = checks.check_options()
    assert message.id == "anvil.E001"
    assert name in message.msg
    assert secret not in message.msg


def test_a_random_secret_is_not_weak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", os.urandom(32).hex())
    assert checks.check_options() == []


def test_e002_a_storage_path_that_is_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STORAGE_PATH", f"{tmp_path / 'file'},{tmp_path / 'absent'}")
    (message,) = checks.check_storage_paths()
    assert message.id == "anvil.E002"
    assert "is not a directory" in message.msg


def test_e003_an_app_without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(checks.ALIAS_BY_APP_LABEL, "sessions")
    (message,) = checks.check_routing()
    assert message.id == "anvil.E003"
    assert "'sessions'" in message.msg


@isolate_apps("control", "dataplane.metadata")
def test_e004_a_relation_across_databases() -> None:
    class There(models.Model):
        class Meta:
            app_label = "metadata"

    class Here(models.Model):
        there = models.ForeignKey(There, on_delete=models.CASCADE)

        class Meta:
            app_label = "control"

    assert checks.crossing_relations([Here, There]) == [(Here, "there", "metadata.There")]
    assert checks.check_relations(list(apps.get_app_configs())) == []


def test_e005_another_engine(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["regional"], "ENGINE", "django.db.backends.sqlite3")
    (message,) = checks.check_engines()
    assert message.id == "anvil.E005"
    assert "'regional'" in message.msg


def test_e006_every_wrong_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", "no")
    monkeypatch.setenv("REGION", "NO")
    assert ids(checks.check_options()) == ["anvil.E006", "anvil.E006"]
    assert checks.check_storage_paths() == []


def test_e007_redis_without_its_client(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.check_redis() == []
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache"}}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert ids(checks.check_redis()) == ["anvil.E007"]


def test_the_router_sends_each_app_to_its_database_and_refuses_strangers() -> None:
    router = DatabaseRouter()
    tenant, version = apps.get_model("control", "Tenant"), apps.get_model("metadata", "ObjectVersionRow")
    assert router.db_for_read(tenant) == router.db_for_write(tenant) == "default"
    assert router.db_for_read(version) == router.db_for_write(version) == "regional"
    assert not router.allow_relation(tenant(), version())
    assert router.allow_relation(tenant(), tenant())
    assert router.allow_migrate("regional", "metadata")
    assert not router.allow_migrate("default", "metadata")
    assert not router.allow_migrate("regional", "auth")
    with pytest.raises(ImproperlyConfigured, match="stranger"):
        alias_of("stranger")
