"""Stops an app's credentials within a second; they and its grants stay."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.arguments import add_app, app_of
from control.management.output import ControlCommand
from control.management.rows import app_row
from control.services import apps


class Command(ControlCommand):
    help = "Disable an app."
    changes_things = True

    def arguments(self, parser: ArgumentParser) -> None:
        add_app(parser)

    def run(self, **options: Any) -> None:
        self.show(app_row(apps.set_enabled(app_of(options), enabled=False, origin=self.origin(options))))
