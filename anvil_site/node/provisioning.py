"""What a start makes where it is not there yet: schemas, secrets, credentials, the rows of this node and its stores.

Everything here may run again after a crash at any line. A node with database URLs (production) is given its secrets
and makes no tenant, no app and no user.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.core.management import call_command

from anvil_site import __version__
from anvil_site.db_router import GLOBAL_ALIAS, REGIONAL_ALIAS
from anvil_site.layout import Layout
from anvil_site.migration_state import APPLIED_QUERY, expected_migrations, missing_migrations
from anvil_site.node.durable_files import write_private
from anvil_site.node.stores import LocalStore
from control.models import AdminUser, Tenant
from control.services import nodes, regions
from control.services.origin import Origin
from control.services.provisioning import FirstSecrets, new_first_secrets, provision_defaults
from dataplane.contracts import StoreRecord
from dataplane.crypto.keys import KeyRing

_MIGRATION_LOCK = 0x616E76696C_6D  # "anvil" "m": one node migrates at a time


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where clients reach the node, as written into `credentials.env`."""

    api_url: str
    admin_url: str
    region: str


def migrate(urls: Mapping[str, str]) -> list[str]:
    """Applies what is missing in each database (`urls` by alias); the aliases that were changed.

    Django's migration machinery is loaded only where something is missing.
    """
    changed = [alias for alias in (GLOBAL_ALIAS, REGIONAL_ALIAS) if _missing(urls[alias], alias)]
    if not changed:
        return []
    # The lock lives in a transaction, so that it also holds behind a pooler, and ends with this connection.
    with psycopg.connect(urls[GLOBAL_ALIAS], prepare_threshold=None) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_MIGRATION_LOCK])
        for alias in changed:
            call_command("migrate", database=alias, verbosity=0, interactive=False)
        connection.rollback()
    return changed


def _missing(url: str, alias: str) -> bool:
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        try:
            applied = [(str(app), str(name)) for app, name in connection.execute(APPLIED_QUERY)]
        except psycopg.errors.UndefinedTable:
            return True
    return bool(missing_migrations(expected_migrations(alias), applied))


def provision(layout: Layout, *, endpoints: Endpoints, key_ring: KeyRing, origin: Origin) -> None:
    """The defaults of a node on its embedded database, and `credentials.env`.

    The file is on the disk before the rows are made from it: a crash in between loses no secret. An
    administrator who removed it keeps it removed.
    """
    values = _read_credentials(layout)
    first = _first_secrets(values)
    if first is None and not (Tenant.objects.exists() or AdminUser.objects.exists()):
        first = new_first_secrets()
        values |= {
            "AWS_ACCESS_KEY_ID": first.client_id,
            "AWS_SECRET_ACCESS_KEY": first.client_secret,
            "ANVIL_ADMIN_USER": first.admin_username,
            "ANVIL_ADMIN_PASSWORD": first.admin_password,
        }
    if first is not None:
        addresses = {
            "AWS_REGION": endpoints.region,
            "AWS_ENDPOINT_URL": endpoints.api_url,
            "ANVIL_ADMIN_URL": endpoints.admin_url,
        }
        content = "".join(f"{name}={value}\n" for name, value in (values | addresses).items())
        if not layout.credentials.exists() or layout.credentials.read_text(encoding="utf-8") != content:
            write_private(layout.credentials, content.encode())
    provision_defaults(region=endpoints.region, key_ring=key_ring, origin=origin, first_secrets=first)


def _read_credentials(layout: Layout) -> dict[str, str]:
    """The lines of `credentials.env`, an administrator's own among them; empty where there is no file."""
    try:
        text = layout.credentials.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    return {name: value for name, equals, value in (line.partition("=") for line in text.splitlines()) if equals}


def _first_secrets(values: Mapping[str, str]) -> FirstSecrets | None:
    """None where the file does not hold them (any more)."""
    try:
        return FirstSecrets(
            client_id=values["AWS_ACCESS_KEY_ID"],
            client_secret=values["AWS_SECRET_ACCESS_KEY"],
            admin_username=values["ANVIL_ADMIN_USER"],
            admin_password=values["ANVIL_ADMIN_PASSWORD"],
        )
    except KeyError:
        return None


def register(
    node_id: str, stores: Sequence[LocalStore], *, region: str, api_url: str, origin: Origin
) -> tuple[StoreRecord, ...]:
    """The rows of this node and its stores; the stores with their numbers in the region."""
    regions.ensure(region, origin=origin)
    node = nodes.register_node(
        node_id, region=region, origin=origin, hostname=socket.gethostname(), api_address=api_url, version=__version__
    )
    for store in stores:
        if not store.fault:
            nodes.register_store(store.store_id, node=node, origin=origin, capacity_bytes=_capacity_bytes(store.path))
    paths = {store.store_id: str(store.path) for store in stores}
    return tuple(
        StoreRecord(record.number, record.id, record.node_id, paths[record.id], record.weight, record.read_only)
        for record in nodes.stores_of(region)
        if record.id in paths
    )


def _capacity_bytes(path: Path) -> int:
    space = os.statvfs(path)
    return space.f_blocks * space.f_frsize
