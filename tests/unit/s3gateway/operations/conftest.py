"""A gateway over memory: one tenant `acme` with all rights, one stranger, one bucket."""

from __future__ import annotations

import pytest

from dataplane.contracts import BucketRecord
from s3gateway.app import S3Gateway
from s3gateway.settings import GatewaySettings
from tests.support.gateway_client import GatewayClient
from tests.support.memory_directory import MemoryDirectory
from tests.support.memory_objects import MemoryObjects

ACCESS_KEY, SECRET_KEY = "AKIDACME", "secret-of-acme"
STRANGER_KEY, STRANGER_SECRET = "AKIDOTHER", "secret-of-other"


@pytest.fixture
def directory() -> MemoryDirectory:
    directory = MemoryDirectory()
    directory.add_app(ACCESS_KEY, SECRET_KEY)
    directory.add_app(STRANGER_KEY, STRANGER_SECRET, tenant_id=2, tenant_name="other")
    return directory


@pytest.fixture
def bucket(directory: MemoryDirectory) -> BucketRecord:
    return directory.add_bucket("data")


@pytest.fixture
def objects() -> MemoryObjects:
    return MemoryObjects(min_part_bytes=16)


@pytest.fixture
def settings() -> GatewaySettings:
    return GatewaySettings(region_endpoints={"eu-west-1": "eu.s3.test"})


@pytest.fixture
def gateway(directory: MemoryDirectory, objects: MemoryObjects, settings: GatewaySettings) -> S3Gateway:
    return S3Gateway(directory, objects, settings)  # type: ignore[arg-type]


@pytest.fixture
def client(gateway: S3Gateway, bucket: BucketRecord) -> GatewayClient:
    return GatewayClient(gateway, ACCESS_KEY, SECRET_KEY)


@pytest.fixture
def stranger(gateway: S3Gateway, bucket: BucketRecord) -> GatewayClient:
    return GatewayClient(gateway, STRANGER_KEY, STRANGER_SECRET)


@pytest.fixture
def anonymous(gateway: S3Gateway, bucket: BucketRecord) -> GatewayClient:
    return GatewayClient(gateway, None)
