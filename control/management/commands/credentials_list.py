"""Lists credentials, never their secrets."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.arguments import add_app, add_limit, app_of
from control.management.output import ControlCommand
from control.management.rows import CREDENTIAL_COLUMNS, credential_row
from control.models import Credential
from control.services.lookup import tenant_named


class Command(ControlCommand):
    help = "List the credentials, of all apps, of a tenant's or of one."

    def arguments(self, parser: ArgumentParser) -> None:
        add_app(parser, required=False)
        add_limit(parser)

    def run(self, **options: Any) -> None:
        found = Credential.objects.select_related("app__tenant").order_by("app__tenant__name", "app__name", "pk")
        if options["app_name"] is not None:
            found = found.filter(app=app_of(options))
        elif options["tenant_name"] is not None:
            found = found.filter(app__tenant=tenant_named(options["tenant_name"]))
        rows = [credential_row(credential) for credential in found[: options["limit"]]]
        self.list(rows, columns=CREDENTIAL_COLUMNS)
