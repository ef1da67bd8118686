"""Stops all credentials of a tenant within a second; its data stays."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.output import ControlCommand
from control.management.rows import tenant_row
from control.services import tenants
from control.services.lookup import tenant_named


class Command(ControlCommand):
    help = "Disable a tenant."
    changes_things = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True)

    def run(self, **options: Any) -> None:
        tenant = tenants.update(tenant_named(options["name"]), enabled=False, origin=self.origin(options))
        self.show(tenant_row(tenant))
