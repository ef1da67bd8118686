"""Shows one bucket."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.output import ControlCommand
from control.management.rows import bucket_row
from control.services.lookup import bucket_named


class Command(ControlCommand):
    help = "Show a bucket."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bucket", required=True)

    def run(self, **options: Any) -> None:
        self.show(bucket_row(bucket_named(options["bucket"])))
