"""Replies that keep the connection alive while their work goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from dataplane.contracts import BucketRecord
from dataplane.errors import InvalidPart, PreconditionFailed
from s3gateway.context import RequestContext
from s3gateway.operations.call import Call, Response, xml_response
from s3gateway.operations.completion import answer_patiently
from s3gateway.request import S3Request
from s3gateway.settings import GatewaySettings
from s3gateway.stream import RequestStream
from s3gateway.xml.writer import DECLARATION
from tests.support.memory_directory import MemoryDirectory
from tests.support.memory_objects import MemoryObjects

DOCUMENT = f"{DECLARATION}<Done/>".encode()


@pytest.fixture
def call(objects: MemoryObjects, directory: MemoryDirectory, bucket: BucketRecord) -> Call:
    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    context = RequestContext("0123456789ABCDEF", S3Request("POST", b"/data/key", b"uploadId=x", {}))
    return Call(context, objects, directory, GatewaySettings(host_id="node-1"), RequestStream(receive))  # type: ignore[arg-type]


def work(waiting: asyncio.Event, failure: Exception | None = None) -> Callable[[], Awaitable[Response]]:
    async def run() -> Response:
        await waiting.wait()
        if failure is not None:
            raise failure
        return xml_response(DOCUMENT)

    return run


async def joined(response: Response) -> bytes:
    assert not isinstance(response.body, bytes)
    return b"".join([bytes(piece) async for piece in response.body])


async def test_quick_work_answers_with_its_own_reply(call: Call) -> None:
    ready = asyncio.Event()
    ready.set()
    response = await answer_patiently(call, work(ready))
    assert (response.status, response.body) == (200, DOCUMENT)
    with pytest.raises(PreconditionFailed):
        await answer_patiently(call, work(ready, PreconditionFailed("If-Match")))


async def test_slow_work_sends_blanks_first(call: Call) -> None:
    ready = asyncio.Event()
    response = await answer_patiently(call, work(ready), patience_seconds=0, blank_seconds=0.001)
    assert response.status == 200
    assert response.content_length is None
    body = response.body
    assert isinstance(body, AsyncIterator)
    pieces = [await anext(body), await anext(body), await anext(body)]
    assert pieces == [DECLARATION.encode(), b" ", b" "]
    ready.set()
    rest = b"".join([bytes(piece) async for piece in body])
    assert rest.lstrip() == b"<Done/>"


async def test_a_late_failure_is_told_in_the_body(call: Call) -> None:
    ready = asyncio.Event()
    response = await answer_patiently(
        call, work(ready, InvalidPart(3, "no such part")), patience_seconds=0, blank_seconds=0.001
    )
    ready.set()
    text = (await joined(response)).decode()
    assert response.status == 200
    assert text.count("<?xml") == 1
    assert "<Error><Code>InvalidPart</Code>" in text
    assert "<Resource>/data/key</Resource><RequestId>0123456789ABCDEF</RequestId><HostId>node-1</HostId>" in text


async def test_the_work_ends_with_its_reply(call: Call) -> None:
    """A client that went away: the iterator is closed, the work is cancelled and awaited."""
    cancelled = asyncio.Event()

    async def endless() -> Response:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError

    response = await answer_patiently(call, endless, patience_seconds=0, blank_seconds=0.001)
    body = response.body
    assert not isinstance(body, bytes)
    await anext(body)
    await body.aclose()  # type: ignore[attr-defined]
    assert cancelled.is_set()


async def test_a_cancelled_request_cancels_its_work(call: Call) -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def endless() -> Response:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    task = asyncio.ensure_future(answer_patiently(call, endless))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled.is_set()
