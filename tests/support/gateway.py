"""A gateway over stand-ins: a directory in memory, and handlers or objects that a test chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from s3gateway.app import S3Gateway
from s3gateway.operations.call import Call, Response
from s3gateway.pipeline import Handler
from s3gateway.request import S3Request
from s3gateway.settings import GatewaySettings
from tests.support.asgi_client import Exchange, Reply, exchange
from tests.support.memory_directory import MemoryDirectory
from tests.support.signing import ACCESS_KEY, HOST, SECRET_KEY, signed


async def answer_ok(_call: Call) -> Response:
    return Response(200, [(b"x-test", b"1")], b"ok")


class AnyHandler(dict[str, Handler]):
    """The same handler for every operation."""

    def __init__(self, handler: Handler) -> None:
        super().__init__()
        self._handler = handler

    def __missing__(self, _name: str) -> Handler:
        return self._handler


class Fixture:
    """`gateway` with an app of all rights (`ACCESS_KEY`), a bucket `bucket` of its tenant and one of another."""

    def __init__(self, handler: Handler = answer_ok, **settings: Any) -> None:
        self.directory = MemoryDirectory()
        self.directory.add_app(ACCESS_KEY, SECRET_KEY)
        self.directory.add_bucket("bucket")
        self.directory.add_bucket("public", public_read=True)
        self.directory.add_bucket("foreign", tenant_id=2, tenant_name="other")
        self.directory.add_bucket("abroad", region="eu-central-1")
        self.gateway = S3Gateway(
            self.directory,
            None,  # type: ignore[arg-type]  # no handler of these tests reaches the engine
            GatewaySettings(**settings),
            handlers=AnyHandler(handler),
        )

    async def send(self, request: S3Request, pieces: Sequence[bytes] = (), **options: Any) -> Reply:
        return await exchange(self.gateway, request, pieces, **options)

    async def signed(
        self, method: str, url_path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, **options: Any
    ) -> Reply:
        return await self.send(signed(method, url_path, body, headers, **options), [body] if body else [])

    async def anonymous(self, method: str, url_path: str, **headers: str) -> Reply:
        return await self.send(unsigned(method, url_path, **headers))

    def exchange(self, request: S3Request, pieces: Sequence[bytes] = (), **options: Any) -> Exchange:
        """One whose other side the test plays itself."""
        return Exchange(request, pieces, **options)


def unsigned(method: str, url_path: str, **headers: str) -> S3Request:
    """Header names with `_` for `-`."""
    path, _, query = url_path.partition("?")
    lines = {b"host": HOST.encode()}
    lines |= {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return S3Request(method, path.encode(), query.encode(), lines)
