"""The page of commands, from the commands' own argument parsers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, DjangoHelpFormatter

from anvil_site.options import OPTIONS
from docs.generator.markdown import code, page, table

OWN_APPS = ("anvil_site", "control", "dataplane")
SHORT_NAMES = {"anvil_serve": "serve"}
DJANGO_OPTIONS = DjangoHelpFormatter.show_last | {"--help"}


def own_commands() -> Iterator[tuple[str, BaseCommand]]:
    for name, application in sorted(get_commands().items()):
        label = application if isinstance(application, str) else type(application).__module__
        if label.split(".")[0] in OWN_APPS:
            yield name, load_command_class(label, name)


def spelling(name: str) -> str:
    """As the `anvil` command takes it."""
    if name in SHORT_NAMES:
        return f"anvil {SHORT_NAMES[name]}"
    noun, found, verb = name.partition("_")
    return f"anvil admin {noun} {verb.replace('_', '-')}" if found else f"anvil {name}"


def _arguments(command: BaseCommand, name: str) -> Iterator[tuple[str, str]]:
    node_options = {flag for option in OPTIONS for flag in (option.flag, f"{option.flag}-file")}
    for action in command.create_parser("anvil", name)._actions:
        flags = set(action.option_strings)
        if flags & (DJANGO_OPTIONS | node_options) or action.help == argparse.SUPPRESS:
            continue
        shown = ", ".join(map(code, action.option_strings)) or code(str(action.metavar or action.dest))
        if isinstance(action.choices, tuple | list):
            shown += f" ({', '.join(map(str, action.choices))})"
        yield (
            shown,
            ("required" if action.required else "")
            + ("; " if action.required and action.help else "")
            + (action.help or ""),
        )


def commands_page() -> str:
    blocks = []
    for name, command in own_commands():
        blocks.append(f"## {name}")
        blocks.append(f"`manage.py {name}` = `{spelling(name)}`\n\n{command.help}")
        if name in SHORT_NAMES:
            blocks.append("Takes every [option of the node](options.md) as a flag.")
        rows = list(_arguments(command, name))
        if rows:
            blocks.append(table(("argument", "meaning"), rows))
    return page(
        "Commands",
        "Every command exists in both spellings. Data goes to standard output, errors to standard error. Exit code 0: "
        "done; 1: refused or failed; 2: the command line is wrong. Commands find the database through `STORAGE_PATH` "
        "(a running node's, else they start the embedded one for as long as they run) or the database URLs.",
        *blocks,
    )
