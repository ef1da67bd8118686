"""`python -m anvil_site.node.entry ROLE ...`: how every child process of a node begins.

The allocator is set before anything large is imported, Django before anything that names a model; then the role's
`serve` gets the loop.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys

from anvil_site.database_urls import POOL_VARIABLE
from anvil_site.layout import Layout
from anvil_site.node.process_setup import parse_arguments, prepare_process

DJANGO_POOL_SIZE = 10
"""Connections of Django to each database: the directory's threads and a few for the console."""
ROLES = ("worker", "steward")


def main() -> None:
    arguments = parse_arguments(sys.argv[1:], roles=ROLES)
    prepare_process(f"anvil-{arguments.name}")

    import django  # noqa: PLC0415 - only now, as the docstring says
    import uvloop  # noqa: PLC0415

    from anvil_site import logs  # noqa: PLC0415
    from anvil_site.node.running_node import read_running_node  # noqa: PLC0415
    from anvil_site.options import load_options  # noqa: PLC0415

    options = load_options(os.environ)
    logs.configure(options.log_level, process=arguments.name, access_log=options.access_log)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anvil_site.settings")
    os.environ[POOL_VARIABLE] = str(DJANGO_POOL_SIZE)
    django.setup()
    node = read_running_node(Layout(options.storage_paths[0]))
    role = importlib.import_module(f"anvil_site.node.{arguments.role}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(role.serve(options, node, arguments))


if __name__ == "__main__":
    main()
