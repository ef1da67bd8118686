"""Deletes an empty bucket of this node's region."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.deployment import installed
from control.management.output import ControlCommand
from control.services import buckets
from control.services.lookup import bucket_named


class Command(ControlCommand):
    help = "Delete a bucket; refused while it holds anything."
    changes_things = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bucket", required=True)

    def run(self, **options: Any) -> None:
        bucket = bucket_named(options["bucket"])
        buckets.delete(bucket, origin=self.origin(options), regional=installed().regional)
        self.show({"deleted": bucket.name})
