"""Lets one credential be used again."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.output import ControlCommand
from control.management.rows import credential_row
from control.services import credentials
from control.services.lookup import credential_of


class Command(ControlCommand):
    help = "Enable a credential."
    changes_things = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--client-id", required=True)

    def run(self, **options: Any) -> None:
        credential = credential_of(options["client_id"])
        self.show(credential_row(credentials.set_enabled(credential, enabled=True, origin=self.origin(options))))
