"""Replies: what every one carries, and what happens when something fails on the way."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY

from dataplane.errors import NotModified, PreconditionFailed
from s3gateway.errors import S3Error
from s3gateway.operations.call import Call, Piece, Response
from tests.support.gateway import Fixture, unsigned
from tests.support.signing import presigned, signed


class Body:
    """An iterator that tells what became of it."""

    def __init__(self, *pieces: Piece, fails: bool = False) -> None:
        self.pieces = list(pieces)
        self.fails = fails
        self.pulled = 0
        self.closed = False

    def __aiter__(self) -> AsyncIterator[Piece]:
        return self

    async def __anext__(self) -> Piece:
        if self.pulled == len(self.pieces):
            if self.fails:
                raise OSError("the disk is gone")
            raise StopAsyncIteration
        self.pulled += 1
        return self.pieces[self.pulled - 1]

    async def aclose(self) -> None:
        self.closed = True


def streaming(body: Body, length: int | None) -> Fixture:
    async def handler(_call: Call) -> Response:
        return Response(200, [], body, length)

    return Fixture(handler)


def raising(error: Exception) -> Fixture:
    async def handler(_call: Call) -> Response:
        raise error

    return Fixture(handler)


async def test_every_reply_is_signed_off() -> None:
    fixture = Fixture(host_id="node-7")
    seen = set()
    for reply in (
        await fixture.signed("GET", "/bucket/k"),
        await fixture.signed("GET", "/nowhere/k"),
        await fixture.signed("HEAD", "/nowhere/k"),
        await fixture.anonymous("BREW", "/bucket/k"),
    ):
        headers = reply.headers
        assert re.fullmatch("[0-9A-F]{16}", headers["x-amz-request-id"])
        assert headers["x-amz-id-2"] == "node-7"
        assert headers["server"] == "Anvil"
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", headers["date"])
        assert reply.complete
        seen.add(headers["x-amz-request-id"])
    assert len(seen) == 4


async def test_a_small_reply_is_two_messages() -> None:
    reply = await Fixture().signed("GET", "/bucket/k")
    assert (reply.status, reply.body, reply.headers["content-length"]) == (200, b"ok", "2")
    assert len(reply.messages) == 2
    assert "connection" not in reply.headers


async def test_errors_are_documents() -> None:
    reply = await raising(PreconditionFailed("If-Match")).signed("PUT", "/bucket/a%20b")
    assert reply.status == 412
    assert reply.headers["content-type"] == "application/xml"
    assert [element.tag for element in reply.xml] == ["Code", "Message", "Condition", "Resource", "RequestId", "HostId"]
    assert reply.xml.findtext("Resource") == "/bucket/a%20b"
    assert reply.xml.findtext("RequestId") == reply.headers["x-amz-request-id"]


async def test_errors_of_head_have_no_body() -> None:
    reply = await Fixture().signed("HEAD", "/nowhere/k")
    assert (reply.status, reply.body) == (404, b"")
    assert "content-length" not in reply.headers
    assert reply.complete


async def test_not_modified_has_neither_body_nor_length() -> None:
    reply = await raising(NotModified("abc", 1_700_000_000)).signed("GET", "/bucket/k")
    assert (reply.status, reply.body) == (304, b"")
    assert "content-length" not in reply.headers
    assert reply.headers["etag"] == '"abc"'


async def test_no_content_has_no_length() -> None:
    async def handler(_call: Call) -> Response:
        return Response(204)

    reply = await Fixture(handler).signed("DELETE", "/bucket/k")
    assert (reply.status, reply.complete) == (204, True)
    assert "content-length" not in reply.headers


async def test_head_tells_the_length_that_get_would_have() -> None:
    async def handler(_call: Call) -> Response:
        return Response(200, [], b"", 12345)

    reply = await Fixture(handler).signed("HEAD", "/bucket/k")
    assert (reply.headers["content-length"], reply.body, reply.complete) == ("12345", b"", True)


async def test_the_unexpected_is_a_500_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        reply = await raising(ZeroDivisionError("secret detail")).signed("GET", "/bucket/k")
    assert (reply.status, reply.error) == (500, "InternalError")
    assert b"secret detail" not in reply.body
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
    assert vars(record)["request_id"] == reply.headers["x-amz-request-id"]
    assert vars(record)["operation"] == "GetObject"


async def test_unavailable_says_when_to_come_back() -> None:
    reply = await raising(S3Error("SlowDown")).signed("GET", "/bucket/k")
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")


async def test_a_streamed_reply_is_whole() -> None:
    body = Body(b"one", memoryview(b"two"), b"", b"three")
    reply = await streaming(body, 11).signed("GET", "/bucket/k")
    assert (reply.body, reply.complete, reply.headers["content-length"]) == (b"onetwothree", True, "11")
    assert [bool(message.get("more_body")) for message in reply.messages[1:]] == [True, True, False]
    assert body.closed


async def test_a_reply_of_unknown_length_ends_with_its_body() -> None:
    reply = await streaming(Body(b"one", b"two"), None).signed("GET", "/bucket/k")
    assert (reply.body, reply.complete) == (b"onetwo", True)
    assert "content-length" not in reply.headers


async def test_an_empty_stream_is_an_empty_reply() -> None:
    reply = await streaming(Body(), 0).signed("GET", "/bucket/k")
    assert (reply.body, reply.complete) == (b"", True)


async def test_head_does_not_touch_the_body() -> None:
    body = Body(b"one")
    reply = await streaming(body, 3).signed("HEAD", "/bucket/k")
    assert (reply.body, reply.complete, body.pulled, body.closed) == (b"", True, 0, True)
    assert reply.headers["content-length"] == "3"


@pytest.mark.parametrize(
    ("body", "length"),
    [
        (Body(b"one", fails=True), 11),
        (Body(b"one", fails=True), None),
        (Body(b"one"), 11),
        (Body(b"one", b"two"), 5),
        (Body(), 1),
    ],
    ids=["fails", "fails without length", "short", "long", "empty"],
)
async def test_a_body_that_fails_is_never_ended(
    body: Body, length: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        reply = await streaming(body, length).signed("GET", "/bucket/k")
    assert reply.status == 200
    assert not reply.complete, "the server must see an unfinished reply and cut the connection"
    assert body.closed
    assert len(caplog.records) == 1


async def test_a_failing_body_is_not_taken_for_a_client_that_left() -> None:
    before = count("cut")
    await streaming(Body(b"one", fails=True), 11).signed("GET", "/bucket/k")
    assert count("cut") == before + 1


def count(code: str, operation: str = "GetObject") -> float:
    return REGISTRY.get_sample_value("anvil_s3_requests_total", {"operation": operation, "code": code}) or 0.0


async def test_requests_are_counted() -> None:
    def samples() -> list[float]:
        return [
            count("200", "PutObject"),
            count("404", "PutObject"),
            REGISTRY.get_sample_value("anvil_s3_request_seconds_count", {"operation": "PutObject"}) or 0.0,
            REGISTRY.get_sample_value("anvil_s3_received_bytes_total") or 0.0,
            REGISTRY.get_sample_value("anvil_s3_sent_bytes_total") or 0.0,
            count("400", "none"),
        ]

    async def reads(call: Call) -> Response:
        await call.body.read_all(100)
        return Response(200, [], b"done")

    before = samples()
    await Fixture(reads).signed("PUT", "/bucket/k", b"12345")
    await Fixture(reads).signed("PUT", "/nowhere/k", b"12345")
    await Fixture(reads).send(unsigned("PUT", "/BAD/k"))
    after = samples()
    changes = [round(new - old) for old, new in zip(before, after, strict=True)]
    assert changes[:3] == [1, 1, 2]
    assert changes[3] == 10, "also bytes that were only drained"
    assert changes[4] > 4
    assert changes[5] == 1


async def test_refusals_of_the_reserved_namespace_are_counted() -> None:
    name = "anvil_s3_reserved_namespace_refusals_total"
    before = REGISTRY.get_sample_value(name) or 0.0
    await Fixture().signed("GET", "/bucket/_anvil/x")
    assert REGISTRY.get_sample_value(name) == before + 1


async def test_one_access_line_a_request(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="anvil.access"):
        request = presigned("GET", "/bucket/a%20b?versionId=1")
        reply = await Fixture().send(request)
    (record,) = [record for record in caplog.records if record.name == "anvil.access"]
    line = vars(record)
    assert line["request_id"] == reply.headers["x-amz-request-id"]
    assert (line["method"], line["path"], line["status"], line["operation"]) == (
        "GET",
        "/bucket/a%20b",
        "200",
        "GetObject",
    )
    assert (line["client"], line["tenant"], line["app"], line["sent_bytes"]) == ("192.0.2.7", "acme", "app", 2)
    assert line["duration_ms"] >= line["ttfb_ms"] >= 0
    assert "Signature" not in str(line), "the query of a presigned URL is a secret"


async def test_errors_are_named_in_the_access_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="anvil.access"):
        await Fixture().send(signed("GET", "/bucket/k", secret_key="wrong"))
    (record,) = [record for record in caplog.records if record.name == "anvil.access"]
    assert (vars(record)["status"], vars(record)["error"], vars(record)["tenant"]) == (
        "403",
        "SignatureDoesNotMatch",
        None,
    )
