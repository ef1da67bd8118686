"""Makes a bucket for a tenant, in the region of the node whose settings the command runs with."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.deployment import installed
from control.management.output import ControlCommand
from control.management.rows import bucket_row
from control.services import buckets
from control.services.lookup import tenant_named


class Command(ControlCommand):
    help = "Create a bucket."
    changes_things = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bucket", required=True)
        parser.add_argument("--tenant-name", required=True)
        parser.add_argument("--region", help="default: the region of this node")
        parser.add_argument("--object-lock", action="store_true", help="allow locks; switches versioning on for good")

    def run(self, **options: Any) -> None:
        regional = installed().regional
        bucket = buckets.create(
            options["bucket"],
            tenant_id=tenant_named(options["tenant_name"]).pk,
            region=options["region"] or regional.region,
            object_lock=options["object_lock"],
            origin=self.origin(options),
            regional=regional,
        )
        self.show(bucket_row(bucket))
