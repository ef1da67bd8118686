"""The node's listening sockets: bound once by the supervisor, inherited by every worker."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from anvil_site.option_kinds import Address

BACKLOG = 2048
"""Connections the kernel keeps while every worker is busy."""


class CannotBind(Exception):
    """`str()` names the option, the address and the reason."""


@dataclass(frozen=True, slots=True)
class Listening:
    """A bound socket and the address it really has."""

    socket: socket.socket
    address: Address

    def url(self) -> str:
        """As a client on this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.address.host)  # noqa: S104
        return f"http://{host}:{self.address.port}" if host else f"http://{self.address}"


def bind(address: Address, variable: str) -> Listening:
    """Bound, not listening yet: until the workers serve, clients are refused rather than kept waiting."""
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(target)
            bound.set_inheritable(True)
        except BaseException:
            bound.close()
            raise
    except OSError as error:
        raise CannotBind(f"Cannot bind {variable} {address}: {error.strerror or error}.") from error
    return Listening(bound, Address(address.host, bound.getsockname()[1]))
