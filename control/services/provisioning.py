"""What a first start makes in an empty global database: region, tenant, app with all rights, console user.

Idempotent, and safe when several nodes start at once. An administrator who later deletes the defaults does not get
them back: a tenant and an app are made only where there is no tenant at all, a user only where there is none.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from django.db import connection, transaction

from control.models import AdminUser, Role, Tenant
from control.services import admin_users, apps, policies, regions, tenants
from control.services.credentials import new_access_key, new_secret_key
from control.services.origin import Origin
from dataplane.crypto.keys import KeyRing

DEFAULT_TENANT = "default"
DEFAULT_APP = "root"
DEFAULT_USER = "admin"

_LOCK = 0x616E76696C_70  # "anvil" "p": the advisory lock that lets one node provision at a time


@dataclass(frozen=True, slots=True)
class FirstSecrets:
    """What a node will write into `credentials.env`.

    Made before anything is provisioned, so that a node can put the file on disk first: a crash then loses no secret.
    """

    client_id: str
    client_secret: str = field(repr=False)
    admin_username: str
    admin_password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What was made now; `None` where it was there before (its secret is nobody's to read again)."""

    region_created: bool
    client_id: str | None
    client_secret: str | None = field(repr=False)
    admin_username: str | None
    admin_password: str | None = field(repr=False)


def new_first_secrets() -> FirstSecrets:
    return FirstSecrets(
        client_id=new_access_key(),
        client_secret=new_secret_key(),
        admin_username=DEFAULT_USER,
        admin_password=secrets.token_urlsafe(18),
    )


def provision_defaults(
    *, region: str, key_ring: KeyRing, origin: Origin, first_secrets: FirstSecrets | None = None
) -> Provisioned:
    given = first_secrets or new_first_secrets()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        _, region_created = regions.ensure(region, origin=origin)
        makes_app = not Tenant.objects.exists()
        if makes_app:
            tenant = tenants.create(DEFAULT_TENANT, origin=origin)
            issued = apps.create(
                tenant,
                DEFAULT_APP,
                key_ring=key_ring,
                origin=origin,
                access_key=given.client_id,
                secret_key=given.client_secret,
            )
            policies.grant(issued.credential.app, action="*", resource="*", origin=origin)
        makes_user = not AdminUser.objects.exists()
        if makes_user:
            admin_users.create(
                given.admin_username, password=given.admin_password, role=Role.SUPER_ADMIN, origin=origin
            )
    return Provisioned(
        region_created=region_created,
        client_id=given.client_id if makes_app else None,
        client_secret=given.client_secret if makes_app else None,
        admin_username=given.admin_username if makes_user else None,
        admin_password=given.admin_password if makes_user else None,
    )
