"""The console script `anvil`, and what `manage.py` runs: Django's commands, in both spellings, on the right database.

`anvil serve` is `anvil_serve`; `anvil admin regions create --name R` is `regions_create --name R`. A command that
needs the databases finds them as `database_access.py` says.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

USAGE = 2
FAILED = 1

_SPELLINGS = {"serve": "anvil_serve"}
_WITHOUT_DATABASE = frozenset(
    (
        "anvil_serve",
        "check",
        "collectstatic",
        "compilemessages",
        "config",
        "diffsettings",
        "findstatic",
        "healthcheck",
        "help",
        "makemessages",
        "makemigrations",
        "spectacular",
        "startapp",
        "startproject",
        "version",
    )
)


def main(argv: Sequence[str] | None = None) -> None:
    arguments = translate(sys.argv[1:] if argv is None else argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anvil_site.settings")
    if needs_database(arguments):
        _connect(migrates=arguments[0] != "migrate")

    from django.core.management import execute_from_command_line  # noqa: PLC0415 - settings must be named first

    execute_from_command_line(["anvil", *arguments])


def translate(arguments: Sequence[str]) -> list[str]:
    """`admin NOUN VERB ...` -> `NOUN_VERB ...`; any other first word by its other spelling, if it has one."""
    match list(arguments):
        case ["admin", noun, verb, *rest] if not verb.startswith("-"):
            return [f"{noun}_{verb}".replace("-", "_"), *rest]
        case ["admin", *_]:
            return ["help"]
        case [first, *rest]:
            return [_SPELLINGS.get(first, first), *rest]
        case _:
            return []


def needs_database(arguments: Sequence[str]) -> bool:
    if not arguments or arguments[0] in _WITHOUT_DATABASE or arguments[0].startswith("-"):
        return False
    return "--help" not in arguments and "-h" not in arguments


def _connect(*, migrates: bool) -> None:
    from anvil_site.database_access import install_deployment, open_databases, urls_by_alias  # noqa: PLC0415
    from anvil_site.options import BadOptions, load_options  # noqa: PLC0415
    from anvil_site.postgres import EmbeddedPostgresError  # noqa: PLC0415

    try:
        given = load_options(os.environ)
        options = open_databases(given)
    except BadOptions as error:
        _exit(USAGE, error)
    except EmbeddedPostgresError as error:
        _exit(FAILED, error)
    except PermissionError as error:
        _exit(FAILED, f"{error}: run the command as the account that runs the node.")

    import django  # noqa: PLC0415

    django.setup()
    install_deployment(options)
    if migrates and given.embedded_database:
        # A storage path no node has served yet: the command finds the tables it would find later.
        from anvil_site.node.provisioning import migrate  # noqa: PLC0415

        migrate(urls_by_alias(options))


def _exit(status: int, message: object) -> NoReturn:
    sys.stderr.write(f"anvil: {message}\n")
    sys.exit(status)
