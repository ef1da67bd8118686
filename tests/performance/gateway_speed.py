"""What one request costs in the gateway itself: CPU microseconds of a signed GET and PUT of 1 KiB, engine in memory.

    .venv/bin/python -m tests.performance.gateway_speed [--profile GET|PUT] [--requests N]

No socket, no database: parse, route, verify, decide, handle, reply, count. Set PROMETHEUS_MULTIPROC_DIR to an empty
directory to include what metrics cost in a node.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import logging
import pstats
import time
from datetime import UTC, datetime
from typing import Any

from dataplane.contracts import InlineBody, ObjectVersion
from dataplane.objects.results import PutResult
from dataplane.ports import Body
from s3gateway.app import S3Gateway
from s3gateway.request import S3Request
from s3gateway.settings import GatewaySettings
from tests.support.memory_directory import MemoryDirectory
from tests.support.memory_objects import MemoryObjects
from tests.support.signing import ACCESS_KEY, SECRET_KEY, signed

BODY = b"x" * 1024
ROUNDS = 5


class OneObject(MemoryObjects):
    """Reading and writing cost next to nothing, so that only the gateway is measured."""

    version = ObjectVersion(
        2, "key", "", len(BODY), "d41d8cd98f00b204e9800998ecf8427e", datetime.now(UTC), inline=InlineBody(BODY)
    )

    async def open(self, *_: Any) -> ObjectVersion:
        return self.version

    def inline_bytes(self, version: ObjectVersion) -> bytes:
        return BODY

    async def put(self, _bucket: object, _key: str, body: Body, *_: Any, **__: Any) -> Any:
        async for piece in body.pieces():
            for digest in body.digests:
                digest.update(piece)
        digests = body.finish()
        return PutResult(digests.md5_hex, None, digests.checksum, len(BODY), self.version.last_modified)


class Load:
    """Repeats one request."""

    def __init__(self, gateway: S3Gateway, request: S3Request, body: bytes) -> None:
        self._gateway = gateway
        self._message = {"type": "http.request", "body": body, "more_body": False}
        self._status = 0
        self._scope = {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "raw_path": request.raw_path,
            "query_string": request.raw_query,
            "headers": [*request.headers.items(), (b"accept-encoding", b"identity"), (b"user-agent", b"aws-sdk/1")],
            "client": ("127.0.0.1", 1),
        }

    async def _receive(self) -> dict[str, Any]:
        return self._message

    async def _send(self, message: dict[str, Any]) -> None:
        self._status = message.get("status", self._status)

    async def run(self, requests: int) -> float:
        """CPU microseconds a request; the fastest of a few rounds."""
        best = float("inf")
        for _ in range(ROUNDS):
            begun = time.process_time()
            for _ in range(requests // ROUNDS):
                await self._gateway(self._scope, self._receive, self._send)
            best = min(best, (time.process_time() - begun) / (requests // ROUNDS))
        if self._status != 200:
            raise SystemExit(f"the gateway answered {self._status}")
        return best * 1e6


async def main(arguments: argparse.Namespace) -> None:
    logging.getLogger("anvil.access").setLevel(logging.WARNING)
    directory = MemoryDirectory()
    directory.add_app(ACCESS_KEY, SECRET_KEY)
    directory.add_bucket("bucket")
    gateway = S3Gateway(directory, OneObject(), GatewaySettings())  # type: ignore[arg-type]
    loads = {
        "GET": Load(gateway, signed("GET", "/bucket/key"), b""),
        "PUT": Load(gateway, signed("PUT", "/bucket/key", BODY), BODY),
    }
    for name, load in loads.items():
        await load.run(1000)
        print(f"{name} 1 KiB: {await load.run(arguments.requests):.1f} us of CPU a request")
    if arguments.profile:
        profile = cProfile.Profile()
        profile.enable()
        await loads[arguments.profile].run(arguments.requests)
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=("GET", "PUT"))
    parser.add_argument("--requests", type=int, default=20_000)
    asyncio.run(main(parser.parse_args()))
