"""The services of the native API, ready to be added to a gRPC server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import grpc.aio

from dataplane.clock import Clock
from dataplane.native.servicers.auth import AuthServicer
from dataplane.native.v1 import auth_pb2, auth_pb2_grpc
from dataplane.ports import Directory


@dataclass(frozen=True, slots=True)
class NativeService:
    """`name` is the full one, as health checks and reflection want it."""

    name: str
    add_to: Callable[[grpc.aio.Server], None]


def native_services(directory: Directory, jwt_secret: str, clock: Clock) -> list[NativeService]:
    auth = AuthServicer(directory, jwt_secret, clock)
    return [
        NativeService(
            name=auth_pb2.DESCRIPTOR.services_by_name["AuthService"].full_name,
            add_to=lambda server: auth_pb2_grpc.add_AuthServiceServicer_to_server(auth, server),  # type: ignore[no-untyped-call]
        )
    ]
