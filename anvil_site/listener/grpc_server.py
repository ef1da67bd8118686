"""The gRPC server of a worker: grpcio's own, on a unix socket in the worker's loop, behind the shared port.

Health and reflection come with it. Must not know what the services do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_health.v1.health import SERVICE_NAME as HEALTH_NAME
from grpc_reflection.v1alpha import reflection

from anvil_site.listener.grpc_bridge import GrpcBridge
from anvil_site.listener.limits import Limits

logger = logging.getLogger(__name__)

UNIX_PATH_BYTES = 107
"""The kernel's limit on the path of a unix socket."""
_OVERHEAD_BYTES = 64


class Service(Protocol):
    """`name` is the full one, `package.Service`."""

    @property
    def name(self) -> str: ...

    @property
    def add_to(self) -> Callable[[grpc.aio.Server], None]: ...


class GrpcServer:
    """Running. `bridge` goes to `mux_protocol`; `stop` after uvicorn has served its last stream."""

    def __init__(
        self,
        server: grpc.aio.Server,
        channel: grpc.aio.Channel,
        health: HealthServicer,
        names: Sequence[str],
        limits: Limits,
    ) -> None:
        self._server = server
        self._channel = channel
        self._health = health
        self._names = names
        self.bridge = GrpcBridge(channel, limits)

    async def set_serving(self, serving: bool) -> None:
        """What grpc.health.v1 answers, for the whole server and each service."""
        state = health_pb2.HealthCheckResponse
        for name in ("", *self._names):
            await self._health.set(name, state.SERVING if serving else state.NOT_SERVING)

    async def drain(self) -> None:
        """Health says NOT_SERVING from now on; calls go on."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace_seconds: float = 0.0) -> None:
        """Lets calls in progress finish for so long, then cancels them."""
        await self.drain()
        await self._channel.close(grace_seconds)
        await self._server.stop(grace_seconds)


def _listen(server: grpc.aio.Server, socket_path: Path) -> None:
    socket_path.unlink(missing_ok=True)  # a worker that was killed leaves its socket behind
    if not server.add_insecure_port(f"unix:{socket_path}"):
        raise OSError(f"cannot listen on the gRPC socket {socket_path}")
    socket_path.chmod(0o600)


async def start_grpc(
    socket_path: Path,
    services: Sequence[Service],
    interceptors: Sequence[grpc.aio.ServerInterceptor[Any, Any]] = (),
    limits: Limits | None = None,
) -> GrpcServer:
    """Must run in the loop that uvicorn serves in. `socket_path` lies in a directory only this user can enter."""
    limits = limits or Limits()
    if len(bytes(socket_path)) > UNIX_PATH_BYTES:
        raise ValueError(
            f"the path of the gRPC socket, {socket_path}, has {len(bytes(socket_path))} bytes; the kernel allows "
            f"{UNIX_PATH_BYTES}: choose a shorter directory"
        )
    most = limits.grpc_message_bytes + _OVERHEAD_BYTES
    sizes = [("grpc.max_receive_message_length", most), ("grpc.max_send_message_length", most)]
    heads = [("grpc.max_metadata_size", limits.header_bytes), ("grpc.absolute_max_metadata_size", limits.header_bytes)]
    server = grpc.aio.server(interceptors=list(interceptors), options=[*sizes, *heads, ("grpc.so_reuseport", 0)])
    health = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    for service in services:
        service.add_to(server)
    names = [service.name for service in services]
    reflection.enable_server_reflection([*names, HEALTH_NAME, reflection.SERVICE_NAME], server)
    _listen(server, socket_path)
    await server.start()
    channel = grpc.aio.insecure_channel(
        f"unix:{socket_path}",
        options=[
            *sizes,
            *heads,
            ("grpc.enable_retries", 0),
            ("grpc.enable_http_proxy", 0),
            ("grpc.use_local_subchannel_pool", 1),
        ],
    )
    running = GrpcServer(server, channel, health, [*names, HEALTH_NAME], limits)
    await running.set_serving(True)
    return running
