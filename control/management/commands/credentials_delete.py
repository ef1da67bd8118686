"""Deletes one credential; it ends within a second, the app's others stay valid."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.output import ControlCommand
from control.services import credentials
from control.services.lookup import credential_of


class Command(ControlCommand):
    help = "Delete a credential."
    changes_things = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--client-id", required=True)

    def run(self, **options: Any) -> None:
        credential = credential_of(options["client_id"])
        credentials.delete(credential, origin=self.origin(options))
        self.show({"deleted": credential.access_key})
