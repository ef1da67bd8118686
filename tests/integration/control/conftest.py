"""A fresh pair of databases for each test, with Django connected to it, and the usual things to start from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from control.models import App, Region, Tenant
from control.services import apps, regions, tenants
from control.services.bucket_phases import RegionalSide
from control.services.credentials import IssuedCredential
from control.services.origin import Origin
from dataplane.crypto.keys import KeyRing
from tests.support.memory_regional_buckets import MemoryRegionalBuckets
from tests.support.postgres import Databases, django_connected_to

REGION = "us-east-1"


@pytest.fixture
def control_databases(databases: Databases, django_db_blocker: DjangoDbBlocker) -> Iterator[Databases]:
    """Nothing is rolled back: transactions, notices and other threads behave as in production."""
    with django_db_blocker.unblock(), django_connected_to(databases):
        yield databases


@pytest.fixture
def origin() -> Origin:
    return Origin("user:alice", reason="because", request_id="ticket-1")


@pytest.fixture
def key_ring() -> KeyRing:
    return KeyRing("k1", {"k1": b"1" * 32})


@pytest.fixture
def regional_buckets() -> MemoryRegionalBuckets:
    return MemoryRegionalBuckets()


@pytest.fixture
def regional(regional_buckets: MemoryRegionalBuckets) -> RegionalSide:
    return RegionalSide(REGION, regional_buckets)


@pytest.fixture
def region(control_databases: Databases, origin: Origin) -> Region:
    return regions.create(REGION, origin=origin)


@pytest.fixture
def tenant(control_databases: Databases, origin: Origin) -> Tenant:
    return tenants.create("acme", origin=origin)


@pytest.fixture
def issued(tenant: Tenant, key_ring: KeyRing, origin: Origin) -> IssuedCredential:
    """The app `acme/uploader` with its first credential."""
    return apps.create(tenant, "uploader", key_ring=key_ring, origin=origin)


@pytest.fixture
def app(issued: IssuedCredential) -> App:
    return issued.credential.app
