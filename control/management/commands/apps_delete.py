"""Deletes an app with its credentials and grants; they end within a second."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.arguments import add_app, app_of
from control.management.output import ControlCommand
from control.services import apps


class Command(ControlCommand):
    help = "Delete an app with its credentials and grants."
    changes_things = True

    def arguments(self, parser: ArgumentParser) -> None:
        add_app(parser)

    def run(self, **options: Any) -> None:
        app = app_of(options)
        apps.delete(app, origin=self.origin(options))
        self.show({"deleted": f"{app.tenant.name}/{app.name}"})
