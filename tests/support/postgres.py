"""A real PostgreSQL for tests: one cluster a test process, two migrated templates, databases cloned from them.

The cluster is the node's own embedded PostgreSQL on a temporary directory, with syncing off (nothing here has to
survive a crash; tests of durability start real nodes). It is started by the first test that asks.
"""

from __future__ import annotations

import atexit
import functools
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from anvil_site.database_urls import django_database
from anvil_site.postgres import EmbeddedPostgres

TEST_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "autovacuum_naptime": "1h",
}


@dataclass(frozen=True, slots=True)
class Databases:
    """URLs of one pair of migrated databases."""

    global_url: str
    regional_url: str


class Cluster:
    """A running server. `url(name)`, `create(name, template)`, `drop(name)`, `databases()`."""

    def __init__(self, directory: Path) -> None:
        self._server = EmbeddedPostgres(directory / "postgres", settings=TEST_SETTINGS)
        self._server.start()
        self._numbers = itertools.count(1)
        self._templates: tuple[str, str] | None = None

    def url(self, database: str = "postgres") -> str:
        return self._server.url(database)

    def stop(self) -> None:
        self._server.stop()

    def create(self, name: str, *, template: str = "template0") -> str:
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return self.url(name)

    def drop(self, name: str) -> None:
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextmanager
    def databases(self) -> Iterator[Databases]:
        """Two fresh databases with every migration applied; dropped afterwards, whoever is still connected."""
        global_template, regional_template = self._migrated_templates()
        number = next(self._numbers)
        names = (f"global_{number}", f"regional_{number}")
        try:
            yield Databases(
                self.create(names[0], template=global_template),
                self.create(names[1], template=regional_template),
            )
        finally:
            for name in names:
                self.drop(name)

    def _migrated_templates(self) -> tuple[str, str]:
        if self._templates is None:
            names = ("template_global", "template_regional")
            urls = [self.create(name) for name in names]
            migrate(Databases(*urls))
            self._templates = names
        return self._templates

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)


@functools.cache
def test_cluster() -> Cluster:
    """The cluster of this test process; started on first use, removed at exit."""
    directory = Path(tempfile.mkdtemp(prefix="anvil-test-"))
    directory.chmod(0o755)
    cluster = Cluster(directory)

    def remove() -> None:
        cluster.stop()
        shutil.rmtree(directory, ignore_errors=True)

    atexit.register(remove)
    return cluster


test_cluster.__test__ = False  # type: ignore[attr-defined] # the name is not a test's


def migrate(databases: Databases) -> None:
    from django.core.management import call_command

    with django_connected_to(databases):
        for alias in ("default", "regional"):
            call_command("migrate", database=alias, verbosity=0, interactive=False)


@contextmanager
def django_connected_to(databases: Databases) -> Iterator[None]:
    """Points Django's two aliases of this process at `databases` for the duration."""
    from django.db import connections

    urls = {"default": databases.global_url, "regional": databases.regional_url}
    before = {alias: dict(connections.settings[alias]) for alias in urls}
    connections.close_all()
    try:
        for alias, url in urls.items():
            connections.settings[alias].update(django_database(url))
        yield
    finally:
        connections.close_all()
        for alias, settings in before.items():
            connections.settings[alias].update(settings)
