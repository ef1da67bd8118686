"""Deletes a user of the console; the last active super admin stays."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.output import ControlCommand
from control.services import admin_users
from control.services.lookup import user_named


class Command(ControlCommand):
    help = "Delete a console user."
    changes_things = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", required=True)

    def run(self, **options: Any) -> None:
        user = user_named(options["username"])
        admin_users.delete(user, origin=self.origin(options))
        self.show({"deleted": user.username})
