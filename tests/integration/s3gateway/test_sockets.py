"""The gateway on a real socket behind the node's own listener: what ends a connection and what does not."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from s3gateway.errors import S3Error
from s3gateway.operations.call import Call, Response
from s3gateway.request import S3Request
from tests.support.gateway import Fixture
from tests.support.listener import Running, listening
from tests.support.signing import signed

HOST = "gateway.test:1"


async def handler(call: Call) -> Response:
    """Keys that begin with `read` read their body, `refuse` do not, `cut` fail in the middle; others show their key."""
    if call.key.startswith("read"):
        return Response(200, [], str(len(await call.body.read_all(1 << 30))).encode())
    if call.key.startswith("refuse"):
        raise S3Error("PreconditionFailed")
    if call.key.startswith("cut"):
        return Response(200, [], failing(), 1000)
    return Response(200, [], call.key.encode())


async def failing() -> AsyncIterator[bytes]:
    yield b"x" * 10
    raise OSError("the disk is gone")


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    fixture = Fixture(handler, drain_before_reply_bytes=1000, drain_after_reply_bytes=200_000, drain_seconds=2.0)
    with listening(fixture.gateway) as server:
        yield server


@contextmanager
def connection(running: Running) -> Iterator[socket.socket]:
    with running.connect() as client:
        yield client


def wire(request: S3Request, body: bytes = b"", **more: Any) -> bytes:
    """The request as bytes, its body after its head."""
    target = request.raw_path + (b"?" + request.raw_query if request.raw_query else b"")
    headers = {**request.headers, **{name.replace("_", "-").encode(): value for name, value in more.items()}}
    lines = [f"{request.method} ".encode() + target + b" HTTP/1.1"]
    lines += [name + b": " + value for name, value in headers.items()]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def put(path: str, length: int, **headers: str) -> S3Request:
    request = signed("PUT", path, headers=headers, host=HOST, payload="UNSIGNED-PAYLOAD")
    request.headers = {**request.headers, b"content-length": str(length).encode()}
    return request


def receive(client: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """One whole reply."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(65536)
        assert piece, f"the connection ended in the head: {data!r}"
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    length = int(headers.get("content-length", "0"))
    while len(body) < length:
        piece = client.recv(65536)
        if not piece:
            break
        body += piece
    return int(lines[0].split(" ")[1]), headers, body


def is_closed(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def test_an_unread_body_does_not_become_the_next_request(running: Running) -> None:
    with connection(running) as client:
        for _ in range(3):
            client.sendall(wire(put("/bucket/refuse", 500), b"GET / HTTP/1.1\r\n\r\n".ljust(500)))
            status, headers, body = receive(client)
            assert status == 412
            assert "connection" not in headers
            assert b"PreconditionFailed" in body
        client.sendall(wire(signed("GET", "/bucket/k", host=HOST)))
        assert receive(client)[2] == b"k"


def test_a_client_that_sends_a_lot_still_sees_why_it_was_refused(running: Running) -> None:
    with connection(running) as client:
        client.sendall(wire(put("/bucket/refuse", 10_000_000), b"x" * 100_000))
        status, headers, body = receive(client)
        assert (status, headers["connection"]) == (412, "close")
        assert b"PreconditionFailed" in body
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while True:
                client.sendall(b"x" * 100_000)


def test_expect_100_continue_is_answered_only_where_the_body_is_wanted(running: Running) -> None:
    with connection(running) as client:
        client.sendall(wire(put("/bucket/read", 5), expect=b"100-continue"))
        assert client.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"12345")
        assert receive(client)[2] == b"5"
    with connection(running) as client:
        client.sendall(wire(put("/bucket/refuse", 5), expect=b"100-continue"))
        status, headers, _ = receive(client)
        assert (status, headers["connection"]) == (412, "close")
        assert is_closed(client)


def test_a_refused_signature_is_told_before_the_body_is_asked_for(running: Running) -> None:
    request = put("/bucket/read", 5)
    request.headers = {**request.headers, b"x-amz-date": b"20200101T000000Z"}
    with connection(running) as client:
        client.sendall(wire(request, expect=b"100-continue"))
        status, _, body = receive(client)
        assert status in (400, 403)
        assert b"<Error>" in body


def test_a_reply_that_fails_ends_the_connection_short_of_its_length(running: Running) -> None:
    with connection(running) as client:
        client.sendall(wire(signed("GET", "/bucket/cut", host=HOST)))
        status, headers, body = receive(client)
        assert (status, headers["content-length"], body) == (200, "1000", b"x" * 10)
        assert is_closed(client)


def test_a_small_reply_arrives_at_once(running: Running) -> None:
    with connection(running) as client:
        client.sendall(wire(signed("GET", "/bucket/k", host=HOST)))
        first = client.recv(65536)
        assert first.endswith(b"\r\n\r\nk"), "head and body belong into one segment"


@pytest.mark.parametrize("key", ["a//b", "a/../b", "./a", "x/", "%25", "a%2Fb", "a+b", "%C3%A4", "a%20b"])
def test_paths_arrive_as_they_were_signed(running: Running, key: str) -> None:
    with connection(running) as client:
        client.sendall(wire(signed("GET", f"/bucket/{key}", host=HOST)))
        status, headers, body = receive(client)
        assert status == 200, body
        expected = {"%25": "%", "a%2Fb": "a/b", "%C3%A4": "ä", "a%20b": "a b"}.get(key, key)
        assert body.decode() == expected
        assert re.fullmatch("[0-9A-F]{16}", headers["x-amz-request-id"])
