"""Shows one tenant."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.output import ControlCommand
from control.management.rows import tenant_row
from control.services.lookup import tenant_named


class Command(ControlCommand):
    help = "Show a tenant."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True)

    def run(self, **options: Any) -> None:
        self.show(tenant_row(tenant_named(options["name"])))
