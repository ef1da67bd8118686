"""Lists grants."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.arguments import add_app, add_limit, app_of
from control.management.output import ControlCommand
from control.management.rows import GRANT_COLUMNS, grant_row
from control.models import Grant
from control.services.lookup import tenant_named


class Command(ControlCommand):
    help = "List the grants, of all apps, of a tenant's or of one."

    def arguments(self, parser: ArgumentParser) -> None:
        add_app(parser, required=False)
        add_limit(parser)

    def run(self, **options: Any) -> None:
        found = Grant.objects.select_related("app__tenant")
        found = found.order_by("app__tenant__name", "app__name", "action", "resource")
        if options["app_name"] is not None:
            found = found.filter(app=app_of(options))
        elif options["tenant_name"] is not None:
            found = found.filter(app__tenant=tenant_named(options["tenant_name"]))
        self.list([grant_row(grant) for grant in found[: options["limit"]]], columns=GRANT_COLUMNS)
