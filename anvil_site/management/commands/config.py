"""Shows every option with the value a node would start with here; secrets only as set or not set."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from anvil_site.options import OPTIONS, BadOptions, Option, Options, load_options, text_of

USAGE = 2


class Command(BaseCommand):
    help = "Show every option of a node: name, value, default, reason. Exit 2 and the reasons where one is wrong."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=("table", "json", "jsonl"), default="table", help="default: table")

    def handle(self, *_: Any, **given: Any) -> None:
        try:
            options = load_options(os.environ)
        except BadOptions as error:
            self.stderr.write(str(error))
            sys.exit(USAGE)
        rows = [row_of(option, options) for option in OPTIONS]
        match given["format"]:
            case "json":
                self.stdout.write(json.dumps(rows, indent=2))
            case "jsonl":
                for row in rows:
                    self.stdout.write(json.dumps(row))
            case _:
                width = max(len(row["option"]) for row in rows)
                for row in rows:
                    self.stdout.write(f"{row['option']:<{width}}  {row['value']}")


def row_of(option: Option, options: Options) -> dict[str, str]:
    value = getattr(options, option.name)
    is_set = value not in (None, ())
    shown = ("(set)" if option.secret else text_of(value)) if is_set else ""
    return {
        "option": option.variable,
        "value": shown,
        "default": option.default,
        "aliases": ",".join(option.aliases),
        "type": option.kind.name,
        "reason": option.reason,
    }
