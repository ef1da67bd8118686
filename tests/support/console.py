"""What tests of the REST API and of the admin console share: people, and the deployment a node would install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from control import deployment
from control.deployment import Deployment
from control.models import AdminUser, Role
from control.services import admin_users, regions
from control.services.bucket_phases import RegionalSide
from control.services.origin import Origin
from dataplane.crypto.keys import KeyRing
from dataplane.metadata.bucket_states import RegionalBucketStates

ORIGIN = Origin("command:test")
PASSWORD = "correct-horse-battery"
KEY_RING = KeyRing("test", {"test": bytes(range(32))})


@contextmanager
def installed_deployment() -> Iterator[Deployment]:
    """Over the region us-east-1, which exists then."""
    made = Deployment(KEY_RING, RegionalSide("us-east-1", RegionalBucketStates()))
    regions.ensure("us-east-1", origin=ORIGIN)
    deployment.install(made)
    try:
        yield made
    finally:
        deployment.install(None)


def super_admin() -> AdminUser:
    return admin_users.create("ada", password=PASSWORD, role=Role.SUPER_ADMIN, origin=ORIGIN)


def viewer() -> AdminUser:
    return admin_users.create("vic", password=PASSWORD, role=Role.READ_ONLY_VIEWER, origin=ORIGIN)
