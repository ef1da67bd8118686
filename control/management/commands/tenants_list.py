"""Lists the tenants."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.arguments import add_limit
from control.management.output import ControlCommand
from control.management.rows import TENANT_COLUMNS, tenant_row
from control.models import Tenant


class Command(ControlCommand):
    help = "List the tenants."

    def arguments(self, parser: ArgumentParser) -> None:
        add_limit(parser)

    def run(self, **options: Any) -> None:
        found = Tenant.objects.order_by("name")[: options["limit"]]
        self.list([tenant_row(tenant) for tenant in found], columns=TENANT_COLUMNS)
