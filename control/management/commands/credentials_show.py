"""Shows one credential, never its secret."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.output import ControlCommand
from control.management.rows import credential_row
from control.services.lookup import credential_of


class Command(ControlCommand):
    help = "Show a credential."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--client-id", required=True)

    def run(self, **options: Any) -> None:
        self.show(credential_row(credential_of(options["client_id"])))
