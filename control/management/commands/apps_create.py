"""Makes an app and prints its client id and secret: the only time the secret can be seen."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.deployment import installed
from control.management.output import ControlCommand
from control.services import apps
from control.services.lookup import tenant_named


class Command(ControlCommand):
    help = "Create an app; prints its client id (S3 access key) and client secret (S3 secret key) once."
    changes_things = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant-name", required=True)
        parser.add_argument("--app-name", required=True)

    def run(self, **options: Any) -> None:
        issued = apps.create(
            tenant_named(options["tenant_name"]),
            options["app_name"],
            key_ring=installed().key_ring,
            origin=self.origin(options),
        )
        self.show({"client_id": issued.access_key, "client_secret": issued.secret_key})
