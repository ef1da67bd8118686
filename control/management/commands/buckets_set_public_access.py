"""Opens a bucket's objects to readers who do not sign, or closes them; everywhere within a second."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.output import ControlCommand, true_or_false
from control.management.rows import bucket_row
from control.services import buckets
from control.services.lookup import bucket_named


class Command(ControlCommand):
    help = "Allow or forbid reading a bucket's objects without a signature."
    changes_things = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bucket", required=True)
        parser.add_argument(
            "--allow", required=True, nargs="?", const=True, type=true_or_false, metavar="true|false", help="which"
        )

    def run(self, **options: Any) -> None:
        bucket = buckets.set_public_access(
            bucket_named(options["bucket"]), allowed=options["allow"], origin=self.origin(options)
        )
        self.show(bucket_row(bucket))
