"""The test databases themselves: migrated, fresh, apart from each other."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.postgres import Databases


def test_each_pair_is_migrated_and_apart(databases: Databases, module_databases: Databases) -> None:
    with psycopg.connect(databases.global_url) as connection:
        connection.execute("CREATE TABLE only_here (value int)")
    with psycopg.connect(module_databases.global_url) as connection:
        assert connection.execute("SELECT to_regclass('only_here')").fetchone() == (None,)
        assert connection.execute("SELECT to_regclass('django_session')").fetchone() != (None,)
    with psycopg.connect(databases.regional_url) as connection:
        assert connection.execute("SELECT to_regclass('django_session')").fetchone() == (None,)
        assert connection.execute("SELECT to_regclass('django_migrations')").fetchone() != (None,)


@pytest.mark.django_db(databases=["default", "regional"])
def test_django_is_connected_to_the_session_pair(django_database_urls: Databases) -> None:
    from django.db import connections

    for alias, url in (
        ("default", django_database_urls.global_url),
        ("regional", django_database_urls.regional_url),
    ):
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT current_database()")
            row = cursor.fetchone()
        assert row is not None
        assert f"/{row[0]}?" in url
