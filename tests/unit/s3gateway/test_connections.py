"""Clients that stall, leave, or send what nobody reads; too many of them; work without end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from prometheus_client import REGISTRY

from s3gateway import flights
from s3gateway.errors import S3Error
from s3gateway.operations.call import Call, Piece, Response
from s3gateway.request import S3Request
from tests.support.asgi_client import Exchange, Reply
from tests.support.gateway import Fixture
from tests.support.signing import signed

SOON_SECONDS = 0.05
DEADLINE_SECONDS = 10


@pytest.fixture(autouse=True)
def sweeping_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flights, "SWEEP_SECONDS", 0.01)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110  several kinds of things are waited for
            await asyncio.sleep(0)


async def run(fixture: Fixture, one: Exchange) -> Reply:
    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.create_task(fixture.gateway(one.scope, one.receive, one.send))
    return one.reply


def count(code: str, operation: str = "PutObject") -> float:
    return REGISTRY.get_sample_value("anvil_s3_requests_total", {"operation": operation, "code": code}) or 0.0


class Worker:
    """A handler that works until it is told to stop, and tells how it ended."""

    def __init__(self, before: Callable[[Call], Awaitable[object]] | None = None) -> None:
        self.started = asyncio.Event()
        self.release = asyncio.Event()
        self.cancelled = False
        self._before = before

    async def __call__(self, call: Call) -> Response:
        if self._before is not None:
            await self._before(call)
        self.started.set()
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return Response(200, [], b"done")


async def reads_all(call: Call) -> Response:
    data = await call.body.read_all(1 << 30)
    return Response(200, [], str(len(data)).encode())


async def refuses(_call: Call) -> Response:
    raise S3Error("PreconditionFailed")


def upload(size: int, declared: int | None = None, **headers: str) -> S3Request:
    """A PUT signed without its body's hash; `declared` is its Content-Length."""
    request = signed("PUT", "/bucket/k", headers=headers, payload="UNSIGNED-PAYLOAD")
    request.headers = {**request.headers, b"content-length": str(size if declared is None else declared).encode()}
    return request


# ---------------------------------------------------------------- bodies nobody reads


async def test_a_short_unread_body_is_read_away_and_the_connection_stays() -> None:
    fixture = Fixture(refuses)
    one = fixture.exchange(upload(6), [b"abc", b"def"])
    reply = await run(fixture, one)
    assert (reply.status, reply.complete) == (412, True)
    assert "connection" not in reply.headers
    assert one.received == 2


async def test_a_long_unread_body_is_answered_first_then_read_for_a_while_then_cut_off() -> None:
    fixture = Fixture(refuses, drain_before_reply_bytes=10, drain_after_reply_bytes=100)
    one = fixture.exchange(upload(100_000), [b"x" * 30] * 3000)
    reply = await run(fixture, one)
    assert (reply.status, reply.complete) == (412, True)
    assert reply.headers["connection"] == "close"
    assert reply.xml.findtext("Code") == "PreconditionFailed"
    assert 4 <= one.received <= 5
    assert [message.get("more_body") for message in reply.messages] == [None, True, False]


async def test_a_client_that_stops_sending_what_nobody_reads_is_not_waited_for_long() -> None:
    fixture = Fixture(refuses, drain_seconds=SOON_SECONDS)
    reply = await run(fixture, fixture.exchange(upload(6), [b"abc"], stalls=True))
    assert (reply.status, reply.complete, reply.headers["connection"]) == (412, True, "close")


async def test_a_client_that_waits_for_100_continue_is_not_told_to_send() -> None:
    fixture = Fixture(refuses)
    one = fixture.exchange(upload(6, expect="100-continue"), stalls=True)
    reply = await run(fixture, one)
    assert (reply.status, reply.complete) == (412, True)
    assert reply.headers["connection"] == "close", "whether a body follows nobody can know"
    assert one.received == 0, "receiving is what sends 100 Continue"


async def test_a_body_that_is_wanted_is_asked_for() -> None:
    fixture = Fixture(reads_all)
    one = fixture.exchange(upload(6, expect="100-continue"), [b"abc", b"def"])
    reply = await run(fixture, one)
    assert (reply.status, reply.body) == (200, b"6")
    assert "connection" not in reply.headers


async def test_http_2_streams_are_not_told_to_close() -> None:
    fixture = Fixture(refuses, drain_before_reply_bytes=10, drain_after_reply_bytes=100)
    one = fixture.exchange(upload(100_000), [b"x" * 30] * 3000, http_version="2")
    reply = await run(fixture, one)
    assert (reply.status, reply.complete) == (412, True)
    assert "connection" not in reply.headers, "the header does not exist there"


async def test_requests_without_a_body_are_never_received() -> None:
    fixture = Fixture()
    for method in ("GET", "HEAD", "DELETE"):
        one = fixture.exchange(signed(method, "/bucket/k"))
        assert (await run(fixture, one)).status == 200
        assert one.received == 0
    empty = fixture.exchange(upload(0))
    assert (await run(fixture, empty)).status == 200
    assert empty.received == 0


# ---------------------------------------------------------------- clients that leave


async def test_a_client_that_leaves_while_sending_ends_the_handler_unanswered() -> None:
    before = count("499")
    fixture = Fixture(reads_all)
    one = fixture.exchange(upload(6), [b"abc"], leaves=True)
    reply = await run(fixture, one)
    assert reply.messages == []
    assert count("499") == before + 1
    assert fixture.gateway.requests_in_flight == 0


async def test_a_client_that_leaves_while_the_handler_works_cancels_it() -> None:
    before = count("499")

    async def read(call: Call) -> object:
        return await call.body.read_all(100)

    worker = Worker(read)
    fixture = Fixture(worker)
    one = fixture.exchange(upload(3), [b"abc"])
    running = asyncio.create_task(run(fixture, one))
    await asyncio.wait_for(worker.started.wait(), DEADLINE_SECONDS)
    one.gone.set()
    reply = await running
    assert worker.cancelled
    assert reply.messages == []
    assert count("499") == before + 1


async def test_a_client_that_leaves_during_the_reply_stops_the_reading() -> None:
    closed = asyncio.Event()
    pulled = 0
    exchanges: list[Exchange] = []

    async def body() -> AsyncIterator[Piece]:
        nonlocal pulled
        try:
            while True:
                pulled += 1
                if pulled == 3:
                    exchanges[0].gone.set()
                yield b"x" * 10
        finally:
            closed.set()

    async def handler(_call: Call) -> Response:
        return Response(200, [], body(), 10_000)

    fixture = Fixture(handler)
    exchanges.append(fixture.exchange(signed("GET", "/bucket/k")))
    reply = await run(fixture, exchanges[0])
    assert closed.is_set()
    assert pulled == 3
    assert not reply.complete


async def test_a_reply_that_was_sent_is_not_ended_by_the_goodbye() -> None:
    """The watcher that waits for the client's leaving must not outlive the request."""
    before = count("499", "GetObject")
    worker = Worker()
    fixture = Fixture(worker)
    one = fixture.exchange(signed("GET", "/bucket/k"))
    running = asyncio.create_task(run(fixture, one))
    await asyncio.wait_for(worker.started.wait(), DEADLINE_SECONDS)
    await until(lambda: one.received > 0)  # the sweep has begun to watch
    worker.release.set()
    reply = await running
    one.gone.set()
    await asyncio.sleep(0)
    assert (reply.body, reply.complete) == (b"done", True)
    assert count("499", "GetObject") == before


# ---------------------------------------------------------------- clients that stall, work without end


async def test_a_client_that_stops_sending_is_told_and_dropped() -> None:
    fixture = Fixture(reads_all, idle_timeout_seconds=SOON_SECONDS)
    reply = await run(fixture, fixture.exchange(upload(6), [b"abc"], stalls=True))
    assert (reply.status, reply.error, reply.complete) == (400, "RequestTimeout", True)
    assert reply.headers["connection"] == "close"


async def test_a_slow_client_that_keeps_sending_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 0.0
    monkeypatch.setattr(flights, "monotonic", lambda: seconds)
    monkeypatch.setattr(flights, "SWEEP_SECONDS", 0.0)
    fixture = Fixture(reads_all, idle_timeout_seconds=60)
    one = fixture.exchange(upload(30), [b"x"] * 30)
    at_once = one.receive

    async def slowly() -> dict[str, object]:
        nonlocal seconds
        seconds += 50
        for _ in range(5):  # the sweep looks
            await asyncio.sleep(0)
        return await at_once()

    one.receive = slowly  # type: ignore[method-assign]
    reply = await run(fixture, one)
    assert (reply.status, reply.body) == (200, b"30")
    assert seconds == 30 * 50


async def test_a_client_that_does_not_read_is_cut_off() -> None:
    before = count("cut", "GetObject")
    fixture = Fixture(idle_timeout_seconds=SOON_SECONDS)
    one = fixture.exchange(signed("GET", "/bucket/k"))
    one.taking.clear()
    reply = await run(fixture, one)
    assert not reply.complete
    assert count("cut", "GetObject") == before + 1


async def test_the_next_piece_waits_until_the_client_took_the_one_before() -> None:
    pulled = 0

    async def body() -> AsyncIterator[Piece]:
        nonlocal pulled
        for _ in range(5):
            pulled += 1
            yield b"x"

    async def handler(_call: Call) -> Response:
        return Response(200, [], body(), 5)

    fixture = Fixture(handler)
    one = fixture.exchange(signed("GET", "/bucket/k"))
    taken = one.send

    async def send(message: dict[str, object]) -> None:
        await taken(message)  # type: ignore[arg-type]
        if message["type"] == "http.response.body" and message.get("more_body"):
            one.taking.clear()

    one.send = send  # type: ignore[method-assign]
    running = asyncio.create_task(run(fixture, one))
    for expected in (2, 3, 4, 5):
        await until(lambda: not one.taking.is_set())
        for _ in range(10):
            await asyncio.sleep(0)
        assert pulled == expected, "one piece is in hand, none is read ahead"
        one.taking.set()
    assert (await running).body == b"xxxxx"


async def test_work_without_end_is_ended() -> None:
    worker = Worker()
    fixture = Fixture(worker, work_timeout_seconds=SOON_SECONDS)
    reply = await run(fixture, fixture.exchange(signed("GET", "/bucket/k")))
    assert worker.cancelled
    assert (reply.status, reply.error, reply.complete) == (503, "ServiceUnavailable", True)
    assert reply.headers["retry-after"]


async def test_the_servers_own_cancelling_is_passed_on() -> None:
    worker = Worker()
    fixture = Fixture(worker)
    one = fixture.exchange(signed("GET", "/bucket/k"))
    running = asyncio.create_task(fixture.gateway(one.scope, one.receive, one.send))
    await asyncio.wait_for(worker.started.wait(), DEADLINE_SECONDS)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert worker.cancelled
    assert fixture.gateway.requests_in_flight == 0


# ---------------------------------------------------------------- too many


async def test_beyond_the_limit_clients_are_told_to_slow_down() -> None:
    worker = Worker()
    fixture = Fixture(worker, max_parallel_requests=2)
    exchanges = [fixture.exchange(signed("GET", "/bucket/k")) for _ in range(2)]
    running = [asyncio.create_task(run(fixture, one)) for one in exchanges]
    await until(lambda: fixture.gateway.requests_in_flight == 2)
    refused = await run(fixture, fixture.exchange(signed("GET", "/bucket/k")))
    assert (refused.status, refused.error) == (503, "SlowDown")
    assert refused.headers["retry-after"] == "1"
    worker.release.set()
    assert [(await task).status for task in running] == [200, 200]
    assert (await run(fixture, fixture.exchange(signed("GET", "/bucket/k")))).status == 200
    assert fixture.gateway.requests_in_flight == 0


async def test_the_number_in_flight_is_shown_and_goes_back_to_nothing() -> None:
    def shown() -> float:
        return REGISTRY.get_sample_value("anvil_s3_requests_inflight") or 0.0

    worker = Worker()
    fixture = Fixture(worker)
    running = asyncio.create_task(run(fixture, fixture.exchange(signed("GET", "/bucket/k"))))
    await until(lambda: shown() == 1)
    worker.release.set()
    await running
    await until(lambda: shown() == 0)
