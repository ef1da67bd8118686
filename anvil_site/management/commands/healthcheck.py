"""Asks a node whether it is ready: for container health checks and scripts."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from anvil_site.layout import Layout
from anvil_site.node.running_node import read_running_node
from anvil_site.options import BadOptions, load_options

_TIMEOUT_SECONDS = 5.0
USAGE = 2


class Command(BaseCommand):
    help = "Print what the node's /ready says. Exit 0 if it is ready, 1 if not or if none runs on STORAGE_PATH."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", help="the node's address; default: the node that runs on STORAGE_PATH")

    def handle(self, *_: Any, **given: Any) -> None:
        url = f"{(given['url'] or _local_url()).rstrip('/')}/ready"
        if not url.startswith(("http://", "https://")):
            raise CommandError(f"{url} is not an http address", returncode=USAGE)
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as reply:  # noqa: S310 - checked above
                self.stdout.write(reply.read().decode(), ending="")
        except urllib.error.HTTPError as error:
            self.stdout.write(error.read().decode(errors="replace"), ending="")
            sys.exit(1)
        except OSError as error:
            raise CommandError(f"{url} does not answer: {error}", returncode=1) from error


def _local_url() -> str:
    try:
        layout = Layout(load_options(os.environ).storage_paths[0])
    except BadOptions as error:
        raise CommandError(str(error), returncode=USAGE) from error
    try:
        node = read_running_node(layout)
    except (OSError, ValueError) as error:
        raise CommandError(f"No node runs on {layout.root}: {error}", returncode=1) from error
    host, _, port = node.api_address.rpartition(":")
    return f"http://{ {'0.0.0.0': '127.0.0.1', '[::]': '[::1]'}.get(host, host) }:{port}"  # noqa: S104
