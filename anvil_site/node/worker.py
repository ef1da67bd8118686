"""A worker: serves S3, gRPC, health and the console on the sockets it inherited.

`serve` is the object graph of the process, top to bottom. Nothing durable is known to a worker only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from anvil_site import logs
from anvil_site.asgi import Application, ConsoleApplication, api_application
from anvil_site.database_access import install_deployment, urls_by_alias
from anvil_site.db_router import GLOBAL_ALIAS, REGIONAL_ALIAS
from anvil_site.health import HealthApplication, Readiness, database_check, members_check, storage_check
from anvil_site.layout import Layout
from anvil_site.listener.grpc_server import GrpcServer, start_grpc
from anvil_site.listener.limits import Limits, limits_for
from anvil_site.listener.protocol import mux_protocol
from anvil_site.migration_state import expected_migrations
from anvil_site.node.engine import open_engine
from anvil_site.node.http_servers import HttpServers
from anvil_site.node.load_table import LoadTable
from anvil_site.node.process_setup import say_ready, settle_garbage
from anvil_site.node.running_node import RunningNode
from anvil_site.options import BadOptions, Options, load_options
from anvil_site.telemetry import Exposition
from control.deployment import installed
from control.directory import DjangoDirectory
from control.invalidation import InvalidationListener
from dataplane.clock import SYSTEM_CLOCK
from dataplane.native.interceptors import native_interceptors
from dataplane.native.interceptors.request_id import request_id as native_request_id
from dataplane.native.services import native_services
from s3gateway.app import S3Gateway
from s3gateway.settings import GatewaySettings


async def serve(options: Options, node: RunningNode, arguments: argparse.Namespace) -> None:
    install_deployment(options)
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(open_engine(options, node, pool_size=options.database_pool_size))
        directory = await stack.enter_async_context(_open_directory(options))
        gateway = S3Gateway(
            directory,
            engine.objects,
            GatewaySettings(
                region=options.region,
                domains=options.s3_domains,
                host_id=node.node_id,
                encrypts_at_rest=options.encrypt_at_rest,
            ),
            bind_request_id=logs.request_id.set,
        )
        readiness = _readiness(options, node)
        api = api_application(_health(options, node, readiness), gateway, s3_domains=options.s3_domains)
        limits = limits_for(options.workers)
        socket_path = Path(node.socket_dir) / f"{arguments.name}.grpc"
        grpc = await stack.enter_async_context(_open_grpc(options, directory, limits, socket_path))

        servers = HttpServers(drain_seconds=options.drain_seconds)
        servers.add(
            api,
            arguments.api_fd,
            protocol=mux_protocol(limits, grpc.bridge),
            behind_proxy=False,
            load=LoadTable(arguments.load_fd, slot=arguments.slot, slots=options.workers),
        )
        servers.add(ConsoleApplication(), arguments.admin_fd, protocol=None, behind_proxy=True)
        await _run(servers, readiness, grpc, arguments.ready_fd)


async def _run(servers: HttpServers, readiness: Readiness, grpc: GrpcServer, ready_fd: int) -> None:
    """Serves until SIGTERM, then drains: both kinds of health say so, requests in flight finish."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGHUP, _reload, servers)
    async with asyncio.TaskGroup() as group:
        group.create_task(servers.serve())
        await servers.started()
        settle_garbage()
        say_ready(ready_fd)
        await stop.wait()
        readiness.drain()
        await grpc.drain()
        servers.drain()


def _reload(servers: HttpServers) -> None:
    """Takes over the reloadable options."""
    try:
        fresh = load_options(os.environ)
    except BadOptions:
        return  # the supervisor logs it once for all
    logs.set_level(fresh.log_level, access_log=fresh.access_log)
    servers.set_drain_seconds(fresh.drain_seconds)


@asynccontextmanager
async def _open_directory(options: Options) -> AsyncIterator[DjangoDirectory]:
    """The directory and the task that tells it what to forget."""
    deployment = installed()
    directory = DjangoDirectory(
        key_ring=deployment.key_ring,
        regional=deployment.regional,
        ttl_seconds=options.metadata_cache_ttl_seconds,
    )
    listener = InvalidationListener(urls_by_alias(options)[GLOBAL_ALIAS], directory)
    listening = asyncio.create_task(listener.run(), name="invalidation-listener")
    try:
        yield directory
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        directory.close()


@asynccontextmanager
async def _open_grpc(
    options: Options, directory: DjangoDirectory, limits: Limits, socket_path: Path
) -> AsyncIterator[GrpcServer]:
    """The native API; health says NOT_SERVING and calls end before the engine below them closes."""
    assert options.jwt_secret is not None  # given with the database URLs, or generated
    logs.also_read(native_request_id)
    services = native_services(directory, options.jwt_secret, SYSTEM_CLOCK)
    server = await start_grpc(socket_path, services, native_interceptors(), limits)
    try:
        yield server
    finally:
        await server.stop(grace_seconds=1.0)


def _members_alive() -> int:
    """A node alone is its own cluster."""
    return 1


def _readiness(options: Options, node: RunningNode) -> Readiness:
    urls = urls_by_alias(options)
    return Readiness(
        {
            "global_database": database_check(urls[GLOBAL_ALIAS], expected_migrations(GLOBAL_ALIAS)),
            "regional_database": database_check(urls[REGIONAL_ALIAS], expected_migrations(REGIONAL_ALIAS)),
            "storage": storage_check([Path(store.path) for store in node.stores]),
            "members": members_check(_members_alive),
        }
    )


def _health(options: Options, node: RunningNode, readiness: Readiness) -> Application:
    exposition = Exposition(
        region=options.region,
        supervisor_pid=node.pid,
        directory=Layout(options.storage_paths[0]).metrics,
        members=_members_alive,
    )
    about = {"node_id": node.node_id, "region": node.region, "redundancy": node.redundancy, "stores": len(node.stores)}
    return HealthApplication(readiness, exposition, about=about, supervisor_pid=node.pid)
