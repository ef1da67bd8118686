"""Lists the console's users."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.arguments import add_limit
from control.management.output import ControlCommand
from control.management.rows import USER_COLUMNS, user_row
from control.models import AdminUser


class Command(ControlCommand):
    help = "List the console's users."

    def arguments(self, parser: ArgumentParser) -> None:
        add_limit(parser)

    def run(self, **options: Any) -> None:
        found = AdminUser.objects.order_by("username")[: options["limit"]]
        self.list([user_row(user) for user in found], columns=USER_COLUMNS)
