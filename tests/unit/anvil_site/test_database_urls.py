"""PostgreSQL URLs in the forms that libpq takes."""

from __future__ import annotations

from typing import Any

import pytest

from anvil_site.database_urls import DatabaseUrlError, django_database


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://anvil:p%40ss@db:5433/anvil_global?sslmode=require",
            {
                "NAME": "anvil_global",
                "USER": "anvil",
                "PASSWORD": "p@ss",
                "HOST": "db",
                "PORT": "5433",
                "OPTIONS": {"sslmode": "require"},
            },
        ),
        (
            "postgres://anvil@/global?host=%2Fvar%2Frun%2Fanvil",
            {"NAME": "global", "USER": "anvil", "PASSWORD": "", "HOST": "/var/run/anvil", "PORT": "", "OPTIONS": {}},
        ),
        ("postgresql://[::1]/x", {"HOST": "::1", "NAME": "x"}),
    ],
)
def test_parts(url: str, expected: dict[str, Any]) -> None:
    database = django_database(url)
    assert {name: database[name] for name in expected} == expected
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert database["CONN_MAX_AGE"] == 0


def test_a_pool_is_bounded() -> None:
    assert django_database("postgresql:///x", pool_size=7)["OPTIONS"]["pool"]["max_size"] == 7


@pytest.mark.parametrize("url", ["", "mysql://u:hunter2@h/d", "postgresql://h", "postgresql://h:port/d", "sqlite:///x"])
def test_wrong_urls_are_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(DatabaseUrlError) as refused:
        django_database(url)
    assert "hunter2" not in str(refused.value)
