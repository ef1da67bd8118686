"""The steward: the node's background work, one process beside the workers."""

from __future__ import annotations

import argparse
import asyncio
import signal

from anvil_site.node.process_setup import say_ready, settle_garbage
from anvil_site.node.running_node import RunningNode
from anvil_site.options import Options


async def serve(options: Options, node: RunningNode, arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settle_garbage()
    say_ready(arguments.ready_fd)
    await stop.wait()
