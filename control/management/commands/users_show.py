"""Shows one user of the console."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.output import ControlCommand
from control.management.rows import user_row
from control.services.lookup import user_named


class Command(ControlCommand):
    help = "Show a console user."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", required=True)

    def run(self, **options: Any) -> None:
        self.show(user_row(user_named(options["username"])))
