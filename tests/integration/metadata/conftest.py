"""A store on a migrated database; tests of a module share the database and each makes its own buckets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from dataplane.metadata.store import MetadataStore
from tests.support.postgres import Databases


@pytest.fixture(scope="module")
def regional_url(module_databases: Databases) -> str:
    return module_databases.regional_url


@pytest.fixture
async def store(regional_url: str) -> AsyncIterator[MetadataStore]:
    store = MetadataStore(regional_url)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def other_store(regional_url: str) -> AsyncIterator[MetadataStore]:
    """A second process's store, as far as the database can tell."""
    store = MetadataStore(regional_url)
    await store.open()
    yield store
    await store.close()
