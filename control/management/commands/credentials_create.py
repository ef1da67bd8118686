"""Gives an app another credential and prints it once: the first half of a rotation without an interruption."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.deployment import installed
from control.management.arguments import add_app, app_of
from control.management.output import ControlCommand
from control.services import credentials


class Command(ControlCommand):
    help = "Add a credential to an app; prints its client id and client secret once."
    changes_things = True

    def arguments(self, parser: ArgumentParser) -> None:
        add_app(parser)

    def run(self, **options: Any) -> None:
        issued = credentials.issue(app_of(options), key_ring=installed().key_ring, origin=self.origin(options))
        self.show({"client_id": issued.access_key, "client_secret": issued.secret_key})
