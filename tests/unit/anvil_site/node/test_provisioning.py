"""credentials.env and the rows of a first start, also after a crash at the worst moment."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from anvil_site.layout import Layout
from anvil_site.node import provisioning
from anvil_site.node.durable_files import create_private, write_private
from anvil_site.node.provisioning import Endpoints
from anvil_site.node.secret_files import ensure_secrets
from anvil_site.node.stores import LocalStore
from control.models import AdminUser, Store, Tenant
from control.services.credentials import open_secret
from control.services.origin import Origin
from dataplane.crypto.keys import KeyRing

pytestmark = pytest.mark.django_db(databases=["default", "regional"])

KEYS = KeyRing("k", {"k": b"k" * 32})
ORIGIN = Origin("node:n")
ENDPOINTS = Endpoints("http://127.0.0.1:1", "http://127.0.0.1:2/admin/", "us-east-1")


def values_of(layout: Layout) -> dict[str, str]:
    return dict(line.split("=", 1) for line in layout.credentials.read_text().splitlines())


def provision(layout: Layout, endpoints: Endpoints = ENDPOINTS) -> None:
    provisioning.provision(layout, endpoints=endpoints, key_ring=KEYS, origin=ORIGIN)


def test_a_first_start_writes_what_it_made(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    provision(layout)
    values = values_of(layout)
    assert stat.S_IMODE(layout.credentials.stat().st_mode) == 0o600
    credential = Tenant.objects.get().apps.get().credentials.get()
    assert values["AWS_ACCESS_KEY_ID"] == credential.access_key
    assert values["AWS_SECRET_ACCESS_KEY"] == open_secret(credential, key_ring=KEYS)
    assert AdminUser.objects.get().check_password(values["ANVIL_ADMIN_PASSWORD"])


def test_a_later_start_changes_the_addresses_only_and_keeps_other_lines(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    provision(layout)
    before = values_of(layout)
    with layout.credentials.open("a") as file:
        file.write("MINE=kept\n")
    provision(layout, Endpoints("http://new:1", "http://new:2/admin/", "us-east-1"))
    assert values_of(layout) == {
        **before,
        "AWS_ENDPOINT_URL": "http://new:1",
        "ANVIL_ADMIN_URL": "http://new:2/admin/",
        "MINE": "kept",
    }


def test_a_crash_between_file_and_rows_loses_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = Layout(tmp_path)

    def crash(**_: object) -> None:
        raise RuntimeError("crashed")

    with monkeypatch.context() as patched:
        patched.setattr(provisioning, "provision_defaults", crash)
        with pytest.raises(RuntimeError, match="crashed"):
            provision(layout)
    written = values_of(layout)
    provision(layout)
    assert values_of(layout) == written
    assert Tenant.objects.get().apps.get().credentials.get().access_key == written["AWS_ACCESS_KEY_ID"]


def test_a_removed_file_stays_removed(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    provision(layout)
    layout.credentials.unlink()
    provision(layout)
    assert not layout.credentials.exists()
    assert Tenant.objects.count() == 1


def test_stores_are_registered_with_numbers_that_stay(tmp_path: Path) -> None:
    stores = [LocalStore(tmp_path, "s1"), LocalStore(tmp_path / "unmounted", "s2")]
    (tmp_path / "unmounted").mkdir()

    def register(given: list[LocalStore]) -> dict[str, int]:
        records = provisioning.register("n1", given, region="us-east-1", api_url="http://x", origin=ORIGIN)
        return {record.path: record.number for record in records}

    numbers = register(stores)
    assert sorted(numbers.values()) == [1, 2]
    lost = [stores[0], LocalStore(tmp_path / "unmounted", "s2", fault="not mounted")]
    assert register(lost) == numbers
    assert Store.objects.get(store_id="s1").capacity_bytes > 0


def test_secrets_are_made_once(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    files = ensure_secrets(layout)
    before = {name: Path(path).read_bytes() for name, path in files.items()}
    assert ensure_secrets(layout) == files
    assert {name: Path(path).read_bytes() for name, path in files.items()} == before
    assert len(bytes.fromhex(before["ANVIL_SECRET_ENCRYPTION_KEY_FILE"].decode())) == 32


def test_private_files_are_whole_and_never_replaced_by_create(tmp_path: Path) -> None:
    path = tmp_path / "f"
    assert create_private(path, b"first") == b"first"
    assert create_private(path, b"second") == b"first"
    write_private(path, b"third")
    assert path.read_bytes() == b"third"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]
