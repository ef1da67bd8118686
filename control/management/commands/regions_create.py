"""Makes a region known. Doing it again does no harm, so that deployment scripts may."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.output import ControlCommand
from control.management.rows import region_row
from control.services import regions


class Command(ControlCommand):
    help = "Create a region (does nothing if it exists)."
    changes_things = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="as nodes name it in REGION, e.g. eu-west-1")

    def run(self, **options: Any) -> None:
        region, _ = regions.ensure(options["name"], origin=self.origin(options))
        self.show(region_row(region))
