"""Takes a right from an app; it ends everywhere within a second."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.arguments import add_app, app_of
from control.management.output import ControlCommand
from control.services import policies


class Command(ControlCommand):
    help = "Revoke exactly the grant of an action on a resource."
    changes_things = True

    def arguments(self, parser: ArgumentParser) -> None:
        add_app(parser)
        parser.add_argument("--action", required=True, help="as it was granted")
        parser.add_argument("--resource", required=True, help="as it was granted")

    def run(self, **options: Any) -> None:
        app, action, resource = app_of(options), options["action"], options["resource"]
        policies.revoke(app, action=action, resource=resource, origin=self.origin(options))
        self.show({"revoked": f"{action} on {resource}", "tenant": app.tenant.name, "app": app.name})
