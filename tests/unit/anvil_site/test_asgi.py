"""Which requests on the API port are the node's own pages, and which are S3."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from anvil_site.asgi import ConsoleApplication, api_application


class Named:
    def __init__(self, name: str, asked: list[str]) -> None:
        self.name, self.asked = name, asked

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(self.name)


async def who(
    path: str, *, method: str = "GET", query: bytes = b"", headers: tuple[tuple[bytes, bytes], ...] = ()
) -> str:
    asked: list[str] = []
    api = api_application(Named("health", asked), Named("s3", asked), s3_domains=("s3.example.com",))
    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": list(headers)}
    await api(scope, None, None)
    (name,) = asked
    return name


@pytest.mark.parametrize("path", ["/", "/ready", "/health", "/health/live", "/health/ready", "/metrics"])
async def test_the_nodes_pages(path: str) -> None:
    assert await who(path) == "health"
    assert await who(path, method="HEAD") == "health"
    assert await who(path, method="PUT") == "s3"
    assert await who(path, headers=((b"host", b"s3.example.com:50051"),)) == "health"


@pytest.mark.parametrize("path", ["/ready/", "/bucket", "/health/other", "//", "/metrics/key"])
async def test_all_else_is_s3(path: str) -> None:
    assert await who(path) == "s3"


@pytest.mark.parametrize("path", ["/", "/ready", "/metrics"])
async def test_a_buckets_own_host_has_keys_and_no_pages(path: str) -> None:
    assert await who(path, headers=((b"host", b"photos.s3.example.com"),)) == "s3"
    assert await who(path, headers=((b"host", b"photos.S3.example.com:50051"),)) == "s3"


async def test_the_root_is_s3_when_it_is_signed_or_asked_for_by_an_sdk() -> None:
    assert await who("/", headers=((b"authorization", b"AWS4-HMAC-SHA256 ..."),)) == "s3"
    assert await who("/", query=b"X-Amz-Algorithm=AWS4-HMAC-SHA256") == "s3"
    assert await who("/", query=b"x-id=ListBuckets") == "s3"
    # A scraper with a password is still a scraper.
    assert await who("/metrics", headers=((b"authorization", b"Basic x"),)) == "health"


async def run_console(path: str, headers: list[tuple[bytes, bytes]]) -> tuple[dict[bytes, bytes], int, bytes]:
    sent: list[Any] = []

    requested = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Any:
        message = next(requested, None)
        if message is None:
            await asyncio.Event().wait()
        return message

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    await ConsoleApplication()(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return {name.lower(): value for name, value in sent[0]["headers"]}, sent[0]["status"], body


async def test_static_files_come_from_the_packages() -> None:
    headers, status, body = await run_console("/static/admin/css/base.css", [])
    assert status == 200
    assert headers[b"content-type"].startswith(b"text/css")
    assert int(headers[b"content-length"]) == len(body) > 1000
    _, status, body = await run_console("/static/admin/css/base.css", [(b"if-none-match", headers[b"etag"])])
    assert (status, body) == (304, b"")
    _, status, _ = await run_console("/static/../manage.py", [])
    assert status == 404


async def test_the_console_gives_every_request_an_id() -> None:
    headers, status, _ = await run_console("/nothing-here", [(b"host", b"x")])
    assert status == 404
    assert len(headers[b"x-request-id"]) == 16
    headers, _, _ = await run_console("/nothing-here", [(b"host", b"x"), (b"x-request-id", b"mine-1")])
    assert headers[b"x-request-id"] == b"mine-1"
    headers, _, _ = await run_console("/nothing-here", [(b"host", b"x"), (b"x-request-id", b"mi\tne")])
    assert headers[b"x-request-id"] != b"mi\tne"
