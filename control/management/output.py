"""The base of the administrator's commands: formats, exit codes, who is asking.

Data goes to stdout, as a table for people or JSON for programs; errors go to stderr. Exit 0: done; 1: failed (refused,
not found, database away); 2: the command line itself is wrong.
"""

from __future__ import annotations

import getpass
import json
import os
from abc import ABC, abstractmethod
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError

from control.services.origin import Origin
from dataplane.errors import BadInput, DomainError

FAILED = 1
USAGE = 2

Row = Mapping[str, Any]


class ControlCommand(BaseCommand, ABC):
    """Subclasses say their arguments in `arguments` and do their work in `run`, printing with `show` or `list`."""

    requires_system_checks: tuple[str, ...] = ()
    changes_things = False
    """True adds --reason and --request-id, which go to the audit trail."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=("table", "json", "jsonl"), default="table", help="default: table")
        if self.changes_things:
            parser.add_argument("--reason", default="", help="why, for the audit trail")
            parser.add_argument("--request-id", default="", help="a ticket or request id, for the audit trail")
        self.arguments(parser)

    def arguments(self, parser: ArgumentParser) -> None:
        """Adds the command's own arguments."""

    @abstractmethod
    def run(self, **options: Any) -> None:
        """Does the work with the parsed arguments."""

    def handle(self, *_: Any, **options: Any) -> None:
        self._format = options["format"]
        try:
            self.run(**options)
        except BadInput as error:
            raise CommandError(str(error), returncode=USAGE) from error
        except DomainError as error:
            raise CommandError(str(error), returncode=FAILED) from error
        except (OperationalError, InterfaceError) as error:
            raise CommandError(f"The database does not answer: {error}".strip(), returncode=FAILED) from error

    def origin(self, options: Mapping[str, Any]) -> Origin:
        return Origin(f"command:{_system_user()}", options["reason"], options["request_id"])

    def show(self, row: Row) -> None:
        """One thing: a JSON object, or a table of its fields."""
        if self._format == "table":
            self._write_table(["field", "value"], [[name, _text(value)] for name, value in row.items()])
        else:
            self._write_json(row)

    def list(self, rows: Sequence[Row], *, columns: Sequence[str]) -> None:
        """Many things: a JSON array, one JSON object a line, or a table with a header even when there is none."""
        if self._format == "json":
            self._write_json(list(rows))
        elif self._format == "jsonl":
            for row in rows:
                self._write_json(row)
        else:
            self._write_table(list(columns), [[_text(row[column]) for column in columns] for row in rows])

    def _write_json(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, default=_json_value, ensure_ascii=False))

    def _write_table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        lines = [[name.upper().replace("_", " ") for name in header], *rows]
        widths = [max(len(line[index]) for line in lines) for index in range(len(header))]
        for line in lines:
            cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
            self.stdout.write("  ".join(cells).rstrip())


def true_or_false(text: str) -> bool:
    """An argparse type. Raises ValueError, which argparse turns into a usage error."""
    match text.lower():
        case "true" | "yes" | "on" | "1":
            return True
        case "false" | "no" | "off" | "0":
            return False
    raise ValueError(text)


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, list | tuple):
        return ", ".join(_text(entry) for entry in value) or "-"
    if isinstance(value, dict):
        return json.dumps(value, default=_json_value, ensure_ascii=False)
    # Names come from other people: control characters would let one forge lines or drive the terminal.
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in str(value))


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} is not JSON")
