"""The two spellings of every command, and which of them need a database."""

from __future__ import annotations

import pytest

from anvil_site.cli import needs_database, translate


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("serve --workers 2", "anvil_serve --workers 2"),
        ("anvil_serve", "anvil_serve"),
        ("admin regions create --name R", "regions_create --name R"),
        ("admin apps reset-secret --app-name A", "apps_reset_secret --app-name A"),
        ("admin buckets set-public-access --bucket B", "buckets_set_public_access --bucket B"),
        ("regions_create --name R", "regions_create --name R"),
        ("migrate", "migrate"),
        ("admin", "help"),
        ("admin regions", "help"),
        ("admin regions --help", "help"),
        ("", ""),
    ],
)
def test_spellings(typed: str, command: str) -> None:
    assert translate(typed.split()) == command.split()


@pytest.mark.parametrize("command", ["regions_create --name R", "migrate", "shell", "createsuperuser"])
def test_commands_on_the_database(command: str) -> None:
    assert needs_database(command.split())


@pytest.mark.parametrize("command", ["", "--help", "help", "check", "anvil_serve", "config", "regions_create --help"])
def test_commands_without(command: str) -> None:
    assert not needs_database(command.split())
