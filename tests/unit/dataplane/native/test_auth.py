"""AuthService and the interceptors around it, on a real gRPC server in the test's own loop."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from prometheus_client import REGISTRY

from dataplane.access.tokens import verify_token, write_scope
from dataplane.contracts import Grant
from dataplane.native.interceptors import native_interceptors
from dataplane.native.services import NativeService, native_services
from dataplane.native.v1 import auth_pb2, auth_pb2_grpc
from tests.support.memory_directory import MemoryDirectory

SECRET = "a secret of more than thirty-two bytes"
NOW = datetime(2026, 5, 24, 12, 0, tzinfo=UTC)
METHOD = "/anvil.v1.AuthService/GetAccessToken"
UNAUTHENTICATED, PERMISSION_DENIED = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED


class StoppedClock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


class Faulty:
    """Methods of the other kinds, and one that fails in a way nobody thought of."""

    async def broken(self, request: bytes, context: Any) -> bytes:
        raise ZeroDivisionError("a secret detail")

    async def numbers(self, request: bytes, context: Any) -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"%d" % number

    async def written(self, request: bytes, context: Any) -> None:
        await context.write(b"written")

    async def total(self, requests: AsyncIterator[bytes], context: Any) -> bytes:
        return b"".join([request async for request in requests])

    async def echo(self, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            yield request
        raise ZeroDivisionError

    def add_to(self, server: grpc.aio.Server) -> None:
        handlers = {
            "Broken": grpc.unary_unary_rpc_method_handler(self.broken),
            "Numbers": grpc.unary_stream_rpc_method_handler(self.numbers),
            "Written": grpc.unary_stream_rpc_method_handler(self.written),
            "Total": grpc.stream_unary_rpc_method_handler(self.total),
            "Echo": grpc.stream_stream_rpc_method_handler(self.echo),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("anvil.test.Faulty", handlers),))


@pytest.fixture
def directory() -> MemoryDirectory:
    directory = MemoryDirectory()
    directory.add_app("AKID", "secret", tenant_id=7, grants=(Grant("object:*", "photos/*"), Grant("bucket:list", "*")))
    directory.add_app("NOTHING", "secret", grants=())
    return directory


@pytest.fixture
async def channel(directory: MemoryDirectory, tmp_path: Path) -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server(interceptors=native_interceptors())
    for service in [*native_services(directory, SECRET, StoppedClock()), NativeService("faulty", Faulty().add_to)]:
        service.add_to(server)
    server.add_insecure_port(f"unix:{tmp_path}/grpc")
    await server.start()
    async with grpc.aio.insecure_channel(f"unix:{tmp_path}/grpc") as channel:
        yield channel
    await server.stop(None)


@pytest.fixture
def auth(channel: grpc.aio.Channel) -> Any:
    return auth_pb2_grpc.AuthServiceStub(channel)


def ask(client_id: str = "AKID", client_secret: str = "secret", *scopes: str) -> auth_pb2.GetAccessTokenRequest:
    return auth_pb2.GetAccessTokenRequest(client_id=client_id, client_secret=client_secret, scopes=scopes)


async def refused(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


@pytest.mark.parametrize(
    ("scopes", "granted"),
    [
        ([], ["object:*|photos/*", "bucket:list|*"]),
        (["*"], ["object:*|photos/*", "bucket:list|*"]),
        (["object:read|*", "object:read|music/*"], ["object:read|photos/*"]),
    ],
)
async def test_a_token(auth: Any, directory: MemoryDirectory, scopes: list[str], granted: list[str]) -> None:
    reply = await auth.GetAccessToken(ask("AKID", "secret", *scopes))
    assert reply.expires_in == 3600
    verified = verify_token(SECRET, reply.access_token, now=NOW)
    assert [write_scope(grant) for grant in verified.scopes] == granted
    assert (verified.app_id, verified.tenant_id) == (directory.credentials["AKID"].principal.app_id, 7)


async def test_tokens_have_ids_of_their_own(auth: Any) -> None:
    replies = [await auth.GetAccessToken(ask()) for _ in range(2)]
    ids = {verify_token(SECRET, reply.access_token, now=NOW).id for reply in replies}
    assert len(ids) == 2


async def test_a_wrong_credential_is_not_told_which_part(auth: Any) -> None:
    wrong = [("AKID", "wrong"), ("AKID", ""), ("AKIDX", "secret"), ("", ""), ("AKID", "x" * 1000), ("x" * 1000, "y")]
    errors = [await refused(auth.GetAccessToken(ask(*pair))) for pair in wrong]
    assert {error.code() for error in errors} == {UNAUTHENTICATED}
    details = {error.details().replace(repr(pair[0][:256]), "ID") for error, pair in zip(errors, wrong, strict=True)}
    assert len(details) == 1


@pytest.mark.parametrize(("client", "scopes"), [("AKID", ["object:read|music/*"]), ("NOTHING", []), ("NOTHING", ["*"])])
async def test_nothing_granted(auth: Any, client: str, scopes: list[str]) -> None:
    error = await refused(auth.GetAccessToken(ask(client, "secret", *scopes)))
    assert error.code() is PERMISSION_DENIED
    assert dict(error.trailing_metadata())["anvil-error"] == "AccessDenied"


async def test_a_scope_that_means_nothing(auth: Any) -> None:
    error = await refused(auth.GetAccessToken(ask("AKID", "secret", "photos")))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "action|resource" in error.details()


async def test_secrets_are_not_logged(auth: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="dataplane"):
        reply = await auth.GetAccessToken(ask())
        await refused(auth.GetAccessToken(ask("AKID", "a wrong secret")))
    logged = " ".join(str(vars(record)) for record in caplog.records)
    assert "access token issued" in logged
    assert "access token refused" in logged
    for secret in ("a wrong secret", reply.access_token, SECRET):
        assert secret not in logged


@pytest.mark.parametrize("given", ["caller-1.2:3", "x" * 64])
async def test_the_callers_request_id_comes_back(auth: Any, given: str) -> None:
    call = auth.GetAccessToken(ask(), metadata=(("x-request-id", given),))
    await call
    assert dict(await call.trailing_metadata())["x-request-id"] == given
    error = await refused(auth.GetAccessToken(ask("AKID", "wrong"), metadata=(("x-request-id", given),)))
    assert dict(error.trailing_metadata())["x-request-id"] == given


@pytest.mark.parametrize("given", ["x" * 65, "with space", "a;b", ""])
async def test_a_harmful_request_id_is_replaced(auth: Any, given: str) -> None:
    call = auth.GetAccessToken(ask(), metadata=(("x-request-id", given),))
    await call
    made = dict(await call.trailing_metadata())["x-request-id"]
    assert made != given
    assert len(made) == 16


async def test_an_unforeseen_failure_tells_nothing_but_its_id(
    channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    error = await refused(channel.unary_unary("/anvil.test.Faulty/Broken")(b""))
    made = dict(error.trailing_metadata())["x-request-id"]
    assert error.code() is grpc.StatusCode.INTERNAL
    assert made in error.details()
    assert "secret detail" not in error.details()
    (record,) = [record for record in caplog.records if record.message == "a native call failed"]
    assert (record.request_id, record.method) == (made, "/anvil.test.Faulty/Broken")  # type: ignore[attr-defined]


async def test_all_kinds_of_calls_pass_through(channel: grpc.aio.Channel) -> None:
    assert [reply async for reply in channel.unary_stream("/anvil.test.Faulty/Numbers")(b"")] == [b"0", b"1", b"2"]
    assert [reply async for reply in channel.unary_stream("/anvil.test.Faulty/Written")(b"")] == [b"written"]
    assert await channel.stream_unary("/anvil.test.Faulty/Total")(iter([b"a", b"b"])) == b"ab"
    echo = channel.stream_stream("/anvil.test.Faulty/Echo")(iter([b"a"]))
    assert await echo.read() == b"a"
    assert (await refused(echo.read())).code() is grpc.StatusCode.INTERNAL


async def test_an_unknown_method_is_unimplemented(channel: grpc.aio.Channel) -> None:
    assert (await refused(channel.unary_unary("/anvil.v1.AuthService/No")(b""))).code() is grpc.StatusCode.UNIMPLEMENTED


def _count(code: str, method: str = METHOD) -> float:
    return REGISTRY.get_sample_value("anvil_native_requests_total", {"method": method, "code": code}) or 0.0


async def test_calls_are_counted_by_their_status(auth: Any, channel: grpc.aio.Channel) -> None:
    codes = ("OK", "UNAUTHENTICATED", "PERMISSION_DENIED")
    before = [_count(code) for code in codes]
    broken = _count("INTERNAL", "/anvil.test.Faulty/Broken")
    await auth.GetAccessToken(ask())
    await refused(auth.GetAccessToken(ask("AKID", "wrong")))
    await refused(auth.GetAccessToken(ask("NOTHING")))
    await refused(channel.unary_unary("/anvil.test.Faulty/Broken")(b""))
    await refused(channel.unary_unary("/anvil.v1.AuthService/No")(b""))
    assert [_count(code) for code in codes] == [value + 1 for value in before]
    assert _count("INTERNAL", "/anvil.test.Faulty/Broken") == broken + 1
    assert _count("UNIMPLEMENTED", "/anvil.v1.AuthService/No") == 0
