"""Lists the audit trail, newest first."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from control.management.arguments import add_limit
from control.management.output import ControlCommand
from control.management.rows import AUDIT_COLUMNS, audit_row
from control.models import AuditEntry


class Command(ControlCommand):
    help = "List what was changed, newest first. The formats json and jsonl show before and after too."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--actor", help="only changes by this actor, e.g. user:alice")
        parser.add_argument("--action", help="only this kind of change, e.g. bucket.delete")
        parser.add_argument("--tenant-name", help="only changes that concern this tenant (it may be gone by now)")
        parser.add_argument("--before", type=int, help="only entries with a smaller id: the last of the page before")
        add_limit(parser, default=100)

    def run(self, **options: Any) -> None:
        found = AuditEntry.objects.order_by("-pk")
        for field, option in (("actor", "actor"), ("action", "action"), ("tenant", "tenant_name")):
            if options[option] is not None:
                found = found.filter(**{field: options[option]})
        if options["before"] is not None:
            found = found.filter(pk__lt=options["before"])
        self.list([audit_row(entry) for entry in found[: options["limit"]]], columns=AUDIT_COLUMNS)
