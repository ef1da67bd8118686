"""Connections of one socket are shared evenly by the workers that take from it."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from anvil_site.node import acceptor as module
from anvil_site.node.acceptor import Acceptor
from anvil_site.node.load_table import LoadTable, create_load_table

DEADLINE_SECONDS = 10.0


class Worker:
    """Stands for a worker process: an acceptor, and the connections it was given."""

    def __init__(self, listening: socket.socket, load: LoadTable | None) -> None:
        self.connections: set[asyncio.BaseTransport] = set()
        self.acceptor = Acceptor(listening, self._protocol, backlog=128, held=lambda: len(self.connections), load=load)
        self.acceptor.start()

    def _protocol(self) -> asyncio.Protocol:
        worker = self

        class Held(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                worker.connections.add(transport)
                self._transport = transport

            def connection_lost(self, exc: Exception | None) -> None:
                worker.connections.discard(self._transport)
                worker.acceptor.publish()

        return Held()

    async def stop(self) -> None:
        self.acceptor.close()
        await self.acceptor.wait_closed()
        for connection in list(self.connections):
            connection.abort()  # type: ignore[attr-defined]


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        yield bound


@pytest.fixture
def table() -> Iterator[int]:
    descriptor = create_load_table(2)
    yield descriptor
    os.close(descriptor)


async def until(condition: object) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # type: ignore[operator]  # noqa: ASYNC110 - a deadline, no pause
            await asyncio.sleep(0)


async def clients_of(listening: socket.socket, count: int) -> list[asyncio.StreamWriter]:
    opened = [asyncio.open_connection(*listening.getsockname()) for _ in range(count)]
    return [writer for _, writer in await asyncio.gather(*opened)]


async def close(clients: list[asyncio.StreamWriter]) -> None:
    for client in clients:
        client.close()
        with suppress(OSError):
            await client.wait_closed()


def test_workers_see_what_the_others_publish(table: int) -> None:
    first, second = (LoadTable(table, slot=slot, slots=2) for slot in (0, 1))
    first.publish(7)
    second.publish(3)
    assert (first.least_of_others(), second.least_of_others()) == (3, 7)
    with pytest.raises(ValueError, match="slot 2"):
        LoadTable(table, slot=2, slots=2)


def test_only_worker_has_no_others() -> None:
    descriptor = create_load_table(1)
    assert LoadTable(descriptor, slot=0, slots=1).least_of_others() is None
    os.close(descriptor)


async def test_burst_is_shared_evenly(listening: socket.socket, table: int) -> None:
    shares = [listening, listening.dup()]
    workers = [Worker(share, LoadTable(table, slot=slot, slots=2)) for slot, share in enumerate(shares)]
    clients = await clients_of(listening, 16)
    await until(lambda: sum(len(worker.connections) for worker in workers) == 16)
    assert sorted(len(worker.connections) for worker in workers) == [8, 8]
    await close(clients)
    for worker in workers:
        await worker.stop()
    shares[1].close()


async def test_nobody_waits_for_a_neighbour_that_takes_nothing(listening: socket.socket, table: int) -> None:
    worker = Worker(listening, LoadTable(table, slot=0, slots=2))  # slot 1 holds none and is dead
    clients = await clients_of(listening, 10)
    await until(lambda: len(worker.connections) == 10)
    await close(clients)
    await worker.stop()


async def test_closed_acceptor_takes_no_more_and_keeps_what_it_took(listening: socket.socket) -> None:
    worker = Worker(listening, None)
    taken = await clients_of(listening, 1)
    await until(lambda: len(worker.connections) == 1)
    worker.acceptor.close()
    late = await clients_of(listening, 1)  # the kernel's queue has it
    taken[0].write(b"still here")
    await taken[0].drain()
    assert len(worker.connections) == 1
    await close([*taken, *late])
    await worker.stop()


async def test_running_out_of_descriptors_is_survived(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)

    class Exhausted(socket.socket):
        left = 3

        def accept(self) -> tuple[socket.socket, object]:
            if self.left:
                self.left -= 1
                raise OSError(errno.EMFILE, "Too many open files")
            return super().accept()

    exhausted = Exhausted(fileno=os.dup(listening.fileno()))
    worker = Worker(exhausted, None)
    clients = await clients_of(listening, 2)
    await until(lambda: len(worker.connections) == 2)
    assert exhausted.left == 0
    await close(clients)
    await worker.stop()
    exhausted.close()
