"""Lists buckets."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.arguments import add_limit
from control.management.output import ControlCommand
from control.management.rows import BUCKET_COLUMNS, bucket_row
from control.models import Bucket
from control.services.lookup import region_named, tenant_named


class Command(ControlCommand):
    help = "List the buckets, of all tenants or of one."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant-name", help="only this tenant's")
        parser.add_argument("--region", help="only those of this region")
        parser.add_argument("--after", default="", help="only names after this one: the last of the page before")
        add_limit(parser)

    def run(self, **options: Any) -> None:
        found = Bucket.objects.select_related("tenant", "region").order_by("name")
        if options["tenant_name"] is not None:
            found = found.filter(tenant=tenant_named(options["tenant_name"]))
        if options["region"] is not None:
            found = found.filter(region=region_named(options["region"]))
        if options["after"]:
            found = found.filter(name__gt=options["after"])
        self.list([bucket_row(bucket) for bucket in found[: options["limit"]]], columns=BUCKET_COLUMNS)
