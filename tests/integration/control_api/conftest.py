"""Signed-in REST clients over the real databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rest_framework.test import APIClient

from control.deployment import Deployment
from control.models import AdminUser
from tests.support import console


@pytest.fixture(autouse=True)
def installed(db: None) -> Iterator[Deployment]:
    with console.installed_deployment() as made:
        yield made


@pytest.fixture
def admin(installed: Deployment) -> AdminUser:
    return console.super_admin()


@pytest.fixture
def viewer(installed: Deployment) -> AdminUser:
    return console.viewer()


@pytest.fixture
def client(admin: AdminUser) -> APIClient:
    client = APIClient()
    client.force_authenticate(admin)
    return client


@pytest.fixture
def viewer_client(viewer: AdminUser) -> APIClient:
    client = APIClient()
    client.force_authenticate(viewer)
    return client
