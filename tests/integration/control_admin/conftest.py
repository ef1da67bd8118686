"""Signed-in browsers' clients over the real databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from control.deployment import Deployment
from tests.support import console


@pytest.fixture(autouse=True)
def installed(db: None) -> Iterator[Deployment]:
    with console.installed_deployment() as made:
        yield made


@pytest.fixture
def client(installed: Deployment) -> Client:
    client = Client()
    client.force_login(console.super_admin())
    return client


@pytest.fixture
def viewer_client(installed: Deployment) -> Client:
    client = Client()
    client.force_login(console.viewer())
    return client
