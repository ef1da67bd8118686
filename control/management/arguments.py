"""Arguments that several of the administrator's commands share, so that they are spelled the same everywhere."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from control.models import App
from control.services.lookup import app_named

LIST_LIMIT = 1_000
LIST_LIMIT_CEILING = 100_000


def add_app(parser: ArgumentParser, *, required: bool = True) -> None:
    parser.add_argument("--app-name", required=required, help="the app")
    parser.add_argument("--tenant-name", help="its tenant; may be left out while the app's name is unique")


def app_of(options: Mapping[str, Any]) -> App:
    return app_named(options["app_name"], tenant_name=options["tenant_name"])


def add_limit(parser: ArgumentParser, *, default: int = LIST_LIMIT) -> None:
    parser.add_argument("--limit", type=limit, default=default, help=f"rows to show at most; default: {default}")


def limit(text: str) -> int:
    """An argparse type."""
    number = int(text)
    if not 1 <= number <= LIST_LIMIT_CEILING:
        raise ValueError(text)
    return number
