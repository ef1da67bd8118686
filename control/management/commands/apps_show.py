"""Shows one app."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.arguments import add_app, app_of
from control.management.output import ControlCommand
from control.management.rows import app_row


class Command(ControlCommand):
    help = "Show an app with its grants; secrets are never shown again."

    def arguments(self, parser: ArgumentParser) -> None:
        add_app(parser)

    def run(self, **options: Any) -> None:
        app = app_of(options)
        grants = [f"{grant.action} on {grant.resource}" for grant in app.grants.order_by("action", "resource")]
        self.show({**app_row(app), "grants": grants})
