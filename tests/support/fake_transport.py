"""A connection without a socket: bytes are fed by hand, in any pieces, and what is written is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from anvil_site.listener.limits import Limits
from anvil_site.listener.protocol import mux_protocol


class FakeTransport(asyncio.Transport):
    """Takes everything at once; `written` is what a peer would have received."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self.protocol: asyncio.BaseProtocol = protocol
        self.written = bytearray()
        self.ended = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("10.0.0.1", 1234), "sockname": ("10.0.0.2", 80)}.get(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.ended, "written after the end"
        self.written += data

    def writelines(self, list_of_data: Any) -> None:
        for data in list_of_data:
            self.write(data)

    def is_closing(self) -> bool:
        return self.ended

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.ended = True

    def abort(self) -> None:
        self.ended = True

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def conversation(app: Any, pieces: Sequence[bytes], limits: Limits | None = None) -> tuple[bytes, bool]:
    """Feeds a listener, one piece a turn of the loop; returns what it wrote and whether it ended the connection."""
    config = uvicorn.Config(app, http=mux_protocol(limits), ws="none", lifespan="off", log_config=None)
    config.load()
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(_converse(config, pieces))
    finally:
        loop.close()


async def _converse(config: uvicorn.Config, pieces: Sequence[bytes]) -> tuple[bytes, bool]:
    loop = asyncio.get_running_loop()
    state = ServerState()
    protocol: Any = config.http_protocol_class(config=config, server_state=state, app_state={}, _loop=loop)  # type: ignore[call-arg]
    transport = FakeTransport(protocol)
    protocol.connection_made(transport)
    for piece in pieces:
        if transport.ended:
            break
        transport.protocol.data_received(piece)  # type: ignore[attr-defined]
        await asyncio.sleep(0)
    for _ in range(50):
        await asyncio.sleep(0)
    ended = transport.ended
    transport.protocol.connection_lost(None)
    await asyncio.wait_for(_all_ended(state), 5)
    return bytes(transport.written), ended


async def _all_ended(state: ServerState) -> None:
    while state.tasks:  # noqa: ASYNC110 - nothing else may be woken
        await asyncio.sleep(0)
