"""Lists the regions."""

from __future__ import annotations

from typing import Any

from control.management.output import ControlCommand
from control.management.rows import REGION_COLUMNS, region_row
from control.models import Region


class Command(ControlCommand):
    help = "List the regions."

    def run(self, **options: Any) -> None:
        self.list([region_row(region) for region in Region.objects.order_by("name")], columns=REGION_COLUMNS)
