"""Starts a node and serves until SIGTERM or Ctrl-C."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from anvil_site.options import BadOptions, add_flags, environment_with_flags, load_options

USAGE = 2


class Command(BaseCommand):
    help = "Start a node: S3 and gRPC on one port, the console on another. Every option is also a variable."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_flags(parser)

    def handle(self, *_: Any, **flags: Any) -> None:
        from anvil_site import logs  # noqa: PLC0415 - what a wrong option does not need
        from anvil_site.node.supervisor import Supervisor  # noqa: PLC0415

        environ = environment_with_flags(os.environ, flags)
        try:
            options = load_options(environ)
        except BadOptions as error:
            sys.stderr.write(f"anvil: {error}\n")
            sys.exit(USAGE)
        # From here on this process is the node: what it and its children are given is what the flags said.
        os.environ.clear()
        os.environ.update(environ)
        logs.configure(options.log_level, process="supervisor", access_log=options.access_log)
        sys.exit(Supervisor(options).run())
