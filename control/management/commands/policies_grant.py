"""Gives an app a right; it holds everywhere within a second. Granting twice does no harm."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.arguments import add_app, app_of
from control.management.output import ControlCommand
from control.management.rows import grant_row
from control.services import policies


class Command(ControlCommand):
    help = "Grant an app an action on a resource of its tenant."
    changes_things = True

    def arguments(self, parser: ArgumentParser) -> None:
        add_app(parser)
        parser.add_argument("--action", required=True, help="e.g. object:read, object:* or *")
        parser.add_argument("--resource", required=True, help="BUCKET, BUCKET/KEY, a prefix ending in *, or *")

    def run(self, **options: Any) -> None:
        grant, _ = policies.grant(
            app_of(options), action=options["action"], resource=options["resource"], origin=self.origin(options)
        )
        self.show(grant_row(grant))
