"""Gives an app a new secret and prints it once; the old one ends within a second."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.deployment import installed
from control.management.arguments import add_app, app_of
from control.management.output import ControlCommand
from control.services import apps


class Command(ControlCommand):
    help = "Replace the client secret of an app; prints the new one once."
    changes_things = True

    def arguments(self, parser: ArgumentParser) -> None:
        add_app(parser)
        parser.add_argument("--client-id", help="which credential, where the app has several")

    def run(self, **options: Any) -> None:
        issued = apps.reset_secret(
            app_of(options),
            access_key=options["client_id"],
            key_ring=installed().key_ring,
            origin=self.origin(options),
        )
        self.show({"client_id": issued.access_key, "client_secret": issued.secret_key})
