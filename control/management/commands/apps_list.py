"""Lists apps."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.arguments import add_limit
from control.management.output import ControlCommand
from control.management.rows import APP_COLUMNS, app_row
from control.models import App
from control.services.lookup import tenant_named


class Command(ControlCommand):
    help = "List the apps, of all tenants or of one."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant-name", help="only this tenant's")
        add_limit(parser)

    def run(self, **options: Any) -> None:
        found = App.objects.select_related("tenant").prefetch_related("credentials").order_by("tenant__name", "name")
        if options["tenant_name"] is not None:
            found = found.filter(tenant=tenant_named(options["tenant_name"]))
        self.list([app_row(app) for app in found[: options["limit"]]], columns=APP_COLUMNS)
