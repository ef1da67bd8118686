"""gRPC through the shared port, as grpcio's own client sees it, and as wrong clients do."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from anvil_site.listener.grpc_wire import decode_status_message
from anvil_site.listener.limits import Limits
from tests.support.grpc_service import NAME, EchoService
from tests.support.listener import Running, listening, pattern, until
from tests.support.raw_http2 import END_HEADERS, HEADERS, PING, RawHttp2, frame

MIB = 1 << 20
BIG = [("grpc.max_receive_message_length", 64 * MIB), ("grpc.max_send_message_length", 64 * MIB)]
GRPC_HEADERS = [("content-type", "application/grpc"), ("te", "trailers")]


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Running, EchoService]]:
    echo = EchoService()
    with listening(services=[echo], loop=request.param) as running:
        yield running, echo


@pytest.fixture
def server(served: tuple[Running, EchoService]) -> Running:
    return served[0]


@pytest.fixture
def echo(served: tuple[Running, EchoService]) -> EchoService:
    return served[1]


@pytest.fixture
def channel(server: Running) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.address, options=[*BIG, ("grpc.use_local_subchannel_pool", 1)]) as opened:
        yield opened


def unary(channel: grpc.Channel, method: str, request: bytes = b"", timeout: float | None = 10, **options: object):
    return channel.unary_unary(f"/{NAME}/{method}")(request, timeout=timeout, **options)


def stream(channel: grpc.Channel, method: str):
    return channel.stream_stream(f"/{NAME}/{method}")


@pytest.mark.parametrize("size", [0, 1, 5, 100_000, 8 * MIB])
def test_unary(channel: grpc.Channel, size: int) -> None:
    assert unary(channel, "Unary", pattern(size), timeout=30) == pattern(size)


def test_server_stream(channel: grpc.Channel) -> None:
    replies = list(channel.unary_stream(f"/{NAME}/Download")(b"16 1000000", timeout=30))
    assert replies == [bytes([number]) * 1_000_000 for number in range(16)]


def test_client_stream(channel: grpc.Channel) -> None:
    requests = (bytes(100_000) for _ in range(50))
    assert channel.stream_unary(f"/{NAME}/Upload")(requests, timeout=30) == b"5000000"


def test_both_streams_are_interleaved(channel: grpc.Channel) -> None:
    """Each message is answered before the next is sent: nothing is held back on the way."""
    answered = threading.Semaphore(1)

    def requests() -> Iterator[bytes]:
        for number in range(20):
            assert answered.acquire(timeout=10)
            yield str(number).encode()

    replies = []
    for reply in stream(channel, "Chat")(requests(), timeout=30):
        replies.append(reply)
        answered.release()
    assert replies == [str(number).encode() for number in range(20)]


def test_initial_metadata_arrives_before_any_message(channel: grpc.Channel) -> None:
    begun = threading.Event()

    def requests() -> Iterator[bytes]:
        assert begun.wait(10)
        yield b"late"

    call = stream(channel, "EarlyHead")(requests(), timeout=30)
    assert dict(call.initial_metadata())["early"] == "yes"
    begun.set()
    assert list(call) == [b"late"]


def test_metadata_both_ways(channel: grpc.Channel, echo: EchoService) -> None:
    sent = (("x-text", "plain text, with commas"), ("x-raw-bin", b"\x00\x01\xff,"), ("x-twice", "1"), ("x-twice", "2"))
    _, call = channel.unary_unary(f"/{NAME}/Metadata").with_call(b"", metadata=sent, timeout=10)
    seen = echo.seen_metadata
    for item in sent:
        assert item in seen
    assert [value for key, value in seen if key == "x-twice"] == ["1", "2"]
    initial, trailing = dict(call.initial_metadata()), dict(call.trailing_metadata())
    assert (initial["head"], initial["head-bin"]) == ("initial", b"\x01\x02\xfe")
    assert (trailing["tail"], trailing["tail-bin"]) == ("trailing", b"\x03\x04")


@pytest.mark.parametrize("details", ["plain", "größer als 100 % — 漢字 🎈", "line\nbreak", ""])
def test_error_details(channel: grpc.Channel, details: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        unary(channel, "Fail", details.encode())
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert caught.value.details() == details
    assert dict(caught.value.trailing_metadata())["why-bin"] == b"\x00\xff"


def test_an_error_after_messages(channel: grpc.Channel) -> None:
    replies = channel.unary_stream(f"/{NAME}/FailLate")(b"", timeout=10)
    assert next(replies) == b"one"
    assert next(replies) == b"two"
    with pytest.raises(grpc.RpcError) as caught:
        next(replies)
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.DATA_LOSS, "after two")


def test_unknown_method(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        unary(channel, "Nothing")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_deadline(channel: grpc.Channel, echo: EchoService) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        unary(channel, "Hang", timeout=0.5)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    until(lambda: not echo.running, "the handler to end")


def test_the_deadline_is_kept_on_our_side_too(server: Running, echo: EchoService) -> None:
    with RawHttp2(server.port) as client:
        call = client.request("POST", f"/{NAME}/Hang", [*GRPC_HEADERS, ("grpc-timeout", "500m")], end=False)
        client.data(call, b"\0\0\0\0\0", end=True)
        until(lambda: echo.running, "the handler to begin")
        assert client.reply(call).heads[-1]["grpc-status"] == "4"
    until(lambda: not echo.running, "the handler to end")


@pytest.mark.parametrize("half_closed", [True, False])
def test_cancel_reaches_the_handler(server: Running, echo: EchoService, half_closed: bool) -> None:
    with RawHttp2(server.port) as client:
        call = client.request("POST", f"/{NAME}/{'Hang' if half_closed else 'Chat'}", GRPC_HEADERS, end=False)
        client.data(call, b"\0\0\0\0\0", end=half_closed)
        until(lambda: echo.running, "the handler to begin")
        client.reset(call)
        until(lambda: not echo.running, "the handler to end")
        assert client.reply(client.request("GET", "/bytes/1")).status == 200


def test_cancel_by_a_real_client(channel: grpc.Channel, echo: EchoService) -> None:
    call = channel.unary_stream(f"/{NAME}/Download")(b"100000 100000", timeout=30)
    assert len(next(call)) == 100_000
    call.cancel()
    until(lambda: not echo.running, "the handler to end")


def test_a_lost_connection_ends_the_handler(server: Running, echo: EchoService) -> None:
    with RawHttp2(server.port) as client:
        call = client.request("POST", f"/{NAME}/Chat", GRPC_HEADERS, end=False)
        client.data(call, b"\0\0\0\0\x02hi")
        client.wait(lambda: client.replies[call].body, "the echo")
        assert echo.running
    until(lambda: not echo.running, "the handler to end")


def test_a_server_that_answers_early(channel: grpc.Channel) -> None:
    """Its status stands, however many requests were still on their way (grpcio's own client makes it INTERNAL)."""
    upload = channel.stream_unary(f"/{NAME}/Ignore")
    for _ in range(30):
        assert upload(iter([bytes(50_000)] * 10), timeout=10) == b"enough"


def test_a_server_that_refuses_early(channel: grpc.Channel) -> None:
    upload = channel.stream_unary(f"/{NAME}/Refuse")
    for _ in range(30):
        with pytest.raises(grpc.RpcError) as caught:
            upload(iter([bytes(50_000)] * 10), timeout=10)
        assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.PERMISSION_DENIED, "not you")


def test_a_client_that_does_not_read_makes_the_server_wait(server: Running, echo: EchoService) -> None:
    echo.sent = 0
    with RawHttp2(server.port, windows=False) as client:
        call = client.request("POST", f"/{NAME}/Download", GRPC_HEADERS, end=False)
        message = b"2000 1000000"
        client.data(call, b"\0" + struct.pack(">I", len(message)) + message, end=True)
        client.wait(lambda: len(client.replies[call].body) == 65535, "the window to be used up")
        assert client.reply(client.request("GET", "/bytes/0")).status == 200
        client.ping()
        assert echo.sent < 100


def test_a_server_that_does_not_read_makes_the_client_wait(server: Running) -> None:
    with RawHttp2(server.port) as client:
        call = client.request("POST", f"/{NAME}/Hang", GRPC_HEADERS, end=False)
        one = b"\0" + struct.pack(">I", 100_000) + bytes(100_000)
        client.data(call, b"")
        sent = 0
        client.wait(lambda: client.settings, "SETTINGS")
        while sent < 200 and client.allowance(call) >= len(one):
            client.data(call, one, frame_bytes=16_000)
            client.spent[call] = client.spent.get(call, 0) + len(one)
            client.spent[0] = client.spent.get(0, 0) + len(one)
            client.ping()
            sent += 1
        assert sent < 150, "the window never closed"
        client.reset(call)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"\x01\0\0\0\x01x", "12"),
        (b"\0\x7f\xff\xff\xff", "8"),
        (b"\0\0\0\0\x05abc", "13"),
    ],
    ids=["compressed", "too large", "truncated"],
)
def test_messages_that_are_wrong(server: Running, body: bytes, status: str) -> None:
    with RawHttp2(server.port) as client:
        call = client.request("POST", f"/{NAME}/Chat", GRPC_HEADERS, end=False)
        client.data(call, body, end=True)
        reply = client.reply(call)
        trailers = reply.heads[-1]
        assert trailers["grpc-status"] == status
        assert decode_status_message(trailers["grpc-message"].encode())
        if status == "12":
            assert trailers["grpc-accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("header", "status"),
    [(("grpc-timeout", "soon"), "13"), (("x-bin", "***"), "13"), (("x-text", "caf\xe9"), "13")],
)
def test_headers_that_are_wrong(server: Running, header: tuple[str, str], status: str) -> None:
    with RawHttp2(server.port) as client:
        call = client.request("POST", f"/{NAME}/Unary", [*GRPC_HEADERS, header])
        assert client.reply(call).heads[-1]["grpc-status"] == status


def test_other_methods_and_encodings_are_refused(server: Running) -> None:
    with RawHttp2(server.port) as client:
        assert client.reply(client.request("GET", f"/{NAME}/Unary", GRPC_HEADERS)).status == 405
        other = [("content-type", "application/grpc+json")]
        assert client.reply(client.request("POST", f"/{NAME}/Unary", other)).status == 415
        web = [("content-type", "application/grpc-web")]
        assert client.reply(client.request("POST", f"/{NAME}/Unary", web)).status == 404


def test_s3_and_grpc_share_a_connection(server: Running) -> None:
    with RawHttp2(server.port) as client:
        large = client.request("GET", "/bytes/20000000")
        calls = []
        for number in range(20):
            call = client.request("POST", f"/{NAME}/Unary", GRPC_HEADERS, end=False)
            client.data(call, b"\0\0\0\0\x01" + bytes([number]), end=True)
            calls.append(call)
        for number, call in enumerate(calls):
            assert bytes(client.reply(call).body) == b"\0\0\0\0\x01" + bytes([number])
            assert client.replies[call].heads[-1]["grpc-status"] == "0"
        assert bytes(client.reply(large).body) == pattern(20_000_000)


def test_health(channel: grpc.Channel) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    for service in ("", NAME):
        reply = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
        assert reply.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as caught:
        health.Check(health_pb2.HealthCheckRequest(service="nothing"), timeout=10)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_reflection(channel: grpc.Channel) -> None:
    requests = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    replies = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(requests, timeout=10)
    names = {service.name for service in next(replies).list_services_response.service}
    assert {NAME, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"} <= names


def test_health_says_not_serving_while_a_call_drains() -> None:
    echo = EchoService()
    with listening(services=[echo]) as server, RawHttp2(server.port) as client:
        call = client.request("POST", f"/{NAME}/Chat", GRPC_HEADERS, end=False)
        client.data(call, b"\0\0\0\0\x01a")
        client.wait(lambda: client.replies[call].body, "the echo")
        server.begin_stop()
        client.wait(lambda: client.goaways and client.pings, "GOAWAY")
        client.send(frame(PING, 1, 0, client.pings[0]))
        client.data(call, b"\0\0\0\0\x01b", end=True)
        reply = client.reply(call)
        assert bytes(reply.body) == b"\0\0\0\0\x01a\0\0\0\0\x01b"
        assert reply.heads[-1]["grpc-status"] == "0"
        client.wait_closed()


def test_messages_beyond_the_limit_are_refused_both_ways() -> None:
    with listening(services=[EchoService()], limits=Limits(grpc_message_bytes=MIB)) as server:
        with grpc.insecure_channel(server.address, options=[*BIG, ("grpc.use_local_subchannel_pool", 1)]) as channel:
            assert len(unary(channel, "Unary", bytes(MIB))) == MIB
            for method, request in (("Unary", bytes(MIB + 1)), ("Download", b"1 1048800")):
                with pytest.raises(grpc.RpcError) as caught:
                    list(channel.unary_stream(f"/{NAME}/{method}")(request, timeout=10))
                assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_without_a_grpc_server_the_application_answers() -> None:
    with listening() as server, RawHttp2(server.port) as client:
        client.send(frame(HEADERS, END_HEADERS | 1, 1, client.head("POST", "/x", GRPC_HEADERS)))
        client.wait(lambda: 1 in client.replies and client.replies[1].over, "the reply")
        assert client.replies[1].status == 404
