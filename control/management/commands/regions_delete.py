"""Deletes a region that nothing belongs to any more."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.output import ControlCommand
from control.services import regions
from control.services.lookup import region_named


class Command(ControlCommand):
    help = "Delete a region; refused while buckets, nodes, stores or cells belong to it."
    changes_things = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True)

    def run(self, **options: Any) -> None:
        region = region_named(options["name"])
        regions.delete(region, origin=self.origin(options))
        self.show({"deleted": region.name})
