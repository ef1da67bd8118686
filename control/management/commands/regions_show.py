"""Shows one region."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.output import ControlCommand
from control.management.rows import region_row
from control.services.lookup import region_named


class Command(ControlCommand):
    help = "Show a region."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True)

    def run(self, **options: Any) -> None:
        self.show(region_row(region_named(options["name"])))
