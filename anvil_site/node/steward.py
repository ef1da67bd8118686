"""The steward: the node's background work, one process beside the workers.

`serve` is its object graph. What it does is listed in `dataplane/jobs/steward_jobs.py`; the outbox of the control
plane, which the engine knows nothing of, and the upkeep of the regional rows are added here.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
from pathlib import Path

from django.db import close_old_connections

from anvil_site import logs
from anvil_site.database_access import install_deployment
from anvil_site.layout import Layout
from anvil_site.node.engine import open_engine
from anvil_site.node.process_setup import say_ready, settle_garbage
from anvil_site.node.running_node import RunningNode
from anvil_site.node.usage_report import UsageReport
from anvil_site.options import BadOptions, Options, load_options
from control.deployment import installed
from control.services import outbox
from dataplane.jobs.steward_jobs import steward_periodic, steward_tasks
from dataplane.metadata.journal import Journal
from dataplane.metadata.task_rows import TaskRows
from dataplane.metadata.usage_rows import UsageRows
from dataplane.tasks.registry import PeriodicJob
from dataplane.tasks.worker import run_tasks

logger = logging.getLogger(__name__)

POOL_SIZE = 4
"""Connections to the regional database: background work must not crowd out requests."""
OUTBOX_EVERY_SECONDS = 5.0
JOURNAL_EVERY_SECONDS = 3600.0
USAGE_EVERY_SECONDS = 5.0


async def serve(options: Options, node: RunningNode, arguments: argparse.Namespace) -> None:
    install_deployment(options)
    stop = _obey_signals()
    async with open_engine(options, node, pool_size=POOL_SIZE) as engine:
        queue = TaskRows(engine.metadata.pool, holder=f"{node.node_id}/{os.getpid()}")
        tasks = steward_tasks(engine.metadata, engine.transport, delete_grace_seconds=options.delete_grace_seconds)
        usage = UsageRows(engine.metadata.pool)
        periodic = [
            *steward_periodic(engine.metadata, engine.transport, [Path(store.path) for store in node.stores]),
            PeriodicJob("outbox", work_off_outbox, OUTBOX_EVERY_SECONDS),
            PeriodicJob("journal", Journal(engine.metadata.pool).maintain, JOURNAL_EVERY_SECONDS),
            PeriodicJob("usage", usage.catch_up, USAGE_EVERY_SECONDS),
            UsageReport(usage, options.region, Layout(options.storage_paths[0]).metrics).periodic_job(),
        ]
        settle_garbage()
        say_ready(arguments.ready_fd)
        await run_tasks(queue, tasks, periodic, stop)


async def work_off_outbox() -> None:
    """Finishes what requests that crashed between the two databases left behind."""
    drained = await asyncio.to_thread(_drain_outbox)
    if drained.done or drained.failed:
        logger.info("Worked off the outbox", extra={"done": drained.done, "failed": drained.failed})


def _drain_outbox() -> outbox.Drained:
    close_old_connections()
    try:
        return outbox.drain(regional=installed().regional)
    finally:
        close_old_connections()


def _obey_signals() -> asyncio.Event:
    """SIGTERM sets the event, SIGHUP takes over the reloadable options."""
    stop = asyncio.Event()

    def reload() -> None:
        try:
            fresh = load_options(os.environ)
        except BadOptions:
            return  # the supervisor logs it once for all
        logs.set_level(fresh.log_level, access_log=fresh.access_log)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    return stop
