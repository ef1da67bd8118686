"""Fixtures every tier shares: a real PostgreSQL, fresh databases, Django connected to a pair of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests.support.postgres import Cluster, Databases, django_connected_to, test_cluster


@pytest.fixture(scope="session")
def postgres_cluster(django_db_blocker: DjangoDbBlocker) -> Cluster:
    """The test process's PostgreSQL server."""
    return test_cluster()


@pytest.fixture
def databases(postgres_cluster: Cluster, django_db_blocker: DjangoDbBlocker) -> Iterator[Databases]:
    """A fresh pair of migrated databases for one test. Django is not connected to them: use the URLs."""
    with django_db_blocker.unblock(), postgres_cluster.databases() as pair:
        yield pair


@pytest.fixture(scope="module")
def module_databases(postgres_cluster: Cluster, django_db_blocker: DjangoDbBlocker) -> Iterator[Databases]:
    """Like `databases`, shared by the tests of a module."""
    with django_db_blocker.unblock(), postgres_cluster.databases() as pair:
        yield pair


@pytest.fixture(scope="session")
def django_db_setup(postgres_cluster: Cluster, django_db_blocker: DjangoDbBlocker) -> Iterator[Databases]:
    """What `@pytest.mark.django_db(databases=["default", "regional"])` runs on: one pair for the session."""
    with django_db_blocker.unblock(), postgres_cluster.databases() as pair, django_connected_to(pair):
        yield pair


@pytest.fixture
def django_database_urls(django_db_setup: Databases) -> Databases:
    """The URLs behind Django's aliases, for tests that need a connection of their own next to the ORM's."""
    return django_db_setup
