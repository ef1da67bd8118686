"""Deletes a tenant that owns nothing any more."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.output import ControlCommand
from control.services import tenants
from control.services.lookup import tenant_named


class Command(ControlCommand):
    help = "Delete a tenant; refused while it has apps or buckets."
    changes_things = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True)

    def run(self, **options: Any) -> None:
        tenant = tenant_named(options["name"])
        tenants.delete(tenant, origin=self.origin(options))
        self.show({"deleted": tenant.name})
