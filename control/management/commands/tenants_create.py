"""Makes a tenant."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.output import ControlCommand
from control.management.rows import tenant_row
from control.models.tenant import DEFAULT_BUCKET_LIMIT
from control.services import tenants


class Command(ControlCommand):
    help = "Create a tenant."
    changes_things = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True)
        parser.add_argument("--bucket-limit", type=int, default=DEFAULT_BUCKET_LIMIT, help="buckets it may own")

    def run(self, **options: Any) -> None:
        tenant = tenants.create(options["name"], origin=self.origin(options), bucket_limit=options["bucket_limit"])
        self.show(tenant_row(tenant))
