"""Calls an `S3Gateway` in process, as an ASGI server would, with requests that botocore signed.

One request at a time; the body may be cut into pieces as a network would. Knows nothing of handlers.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from s3gateway.app import S3Gateway
from s3gateway.percent import encode_path
from tests.support.chunked_bodies import ChunkSigning, chunked_body, signing_key

HOST = "s3.test"
_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes
    pieces: int = 1
    more_headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    @property
    def xml(self) -> ElementTree.Element:
        """The document, with S3's namespace taken off."""
        root = ElementTree.fromstring(self.body)
        for element in root.iter():
            element.tag = element.tag.removeprefix(_NAMESPACE)
        return root

    @property
    def code(self) -> str:
        """The code of an `<Error>` document, "" where the reply is none."""
        if not self.body.startswith(b"<?xml") or b"<Error>" not in self.body:
            return ""
        return self.xml.findtext("Code") or ""

    def all(self, path: str) -> list[str]:
        return [element.text or "" for element in self.xml.findall(path)]


class _Signer(S3SigV4Auth):
    """botocore's own signer, with the payload hash that the test wants."""

    def __init__(self, credentials: Credentials, region: str, payload: str) -> None:
        super().__init__(credentials, "s3", region)
        self._payload = payload

    def payload(self, request: AWSRequest) -> str:
        return self._payload


class GatewayClient:
    """`access_key` None: anonymous. `split` cuts a body into the messages that the gateway receives."""

    def __init__(self, gateway: S3Gateway, access_key: str | None, secret_key: str = "", region: str = "us-east-1"):
        self.gateway = gateway
        self.region = region
        self.credentials = None if access_key is None else Credentials(access_key, secret_key)

    def sign(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> dict[str, str]:
        """The headers to send, Authorization among them."""
        lines = dict(headers)
        if self.credentials is None:
            return {"Host": HOST, **lines}
        payload = lines.pop("X-Amz-Content-SHA256", None) or hashlib.sha256(body).hexdigest()
        target = f"http://{HOST}{encode_path(path)}"
        request = AWSRequest(method, target, headers=lines, params=dict(query), data=body)
        _Signer(self.credentials, self.region, payload).add_auth(request)
        signed = dict(request.headers.items())
        return {"Host": HOST, **signed}

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | str = "",
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        split: Sequence[int] = (),
        content_length: int | None = -1,
        disconnect: bool = False,
    ) -> Reply:
        """`content_length`: -1 the body's, None no header. `disconnect`: the client goes away after the body."""
        parameters = dict(parse_qsl(query, keep_blank_values=True)) if isinstance(query, str) else dict(query)
        signed = self.sign(method, path, parameters, headers or {}, body)
        length = None
        if content_length is not None and (body or content_length >= 0 or method in ("PUT", "POST")):
            length = len(body) if content_length < 0 else content_length
        scope = self._scope(method, path, parameters, signed, length)
        return await self._run(scope, _cut(body, split), disconnect)

    @staticmethod
    def _scope(
        method: str, path: str, parameters: Mapping[str, str], lines: Mapping[str, str], length: int | None
    ) -> dict[str, Any]:
        headers = [(name.lower().encode(), value.encode("utf-8")) for name, value in lines.items()]
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        return {
            "type": "http",
            "method": method,
            "scheme": "http",
            "http_version": "1.1",
            "raw_path": encode_path(path).encode(),
            "path": path,
            "query_string": urlencode(parameters, safe="-._~", quote_via=_quote).encode(),
            "headers": headers,
            "client": ("127.0.0.1", 1),
        }

    async def _run(self, scope: Mapping[str, Any], pieces: Sequence[bytes], disconnect: bool) -> Reply:
        waiting = list(pieces)
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if waiting:
                piece = waiting.pop(0)
                return {"type": "http.request", "body": piece, "more_body": bool(waiting) or disconnect}
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        task = asyncio.ensure_future(self.gateway(scope, receive, send))
        await task
        if not sent:
            return Reply(0, {}, b"")
        start, *bodies = sent
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
        data = b"".join(bytes(message["body"]) for message in bodies)
        return Reply(start["status"], headers, data, len(bodies), start["headers"])

    async def put_streaming(
        self,
        path: str,
        chunks: Sequence[bytes],
        *,
        query: str = "",
        kind: str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        trailers: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        split: Sequence[int] = (),
        spoil: Callable[[bytes], bytes] = bytes,
    ) -> Reply:
        """An aws-chunked upload in the form that `kind` names. `spoil` changes the finished body."""
        lines = {
            "X-Amz-Content-SHA256": kind,
            "X-Amz-Decoded-Content-Length": str(sum(map(len, chunks))),
            "Content-Encoding": "aws-chunked",
            **({"X-Amz-Trailer": ",".join(name for name, _ in trailers)} if trailers else {}),
            **(headers or {}),
        }
        parameters = dict(parse_qsl(query, keep_blank_values=True))
        signed = self.sign("PUT", path, parameters, lines, b"")
        signing = None
        if kind.startswith("STREAMING-AWS4"):
            credential, _, signature = signed["Authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(", ")
            scope = credential.removeprefix("Credential=").partition("/")[2]
            assert self.credentials is not None
            key = signing_key(self.credentials.secret_key, scope)
            signing = ChunkSigning(key, signature.removeprefix("Signature="), signed["X-Amz-Date"], scope)
        body = spoil(chunked_body(chunks, signing=signing, trailers=trailers, signed_trailer=kind.endswith("-TRAILER")))
        return await self._run(self._scope("PUT", path, parameters, signed, len(body)), _cut(body, split), False)

    async def put(self, path: str, body: bytes = b"", *, query: Mapping[str, str] | str = "", **options: Any) -> Reply:
        return await self.request("PUT", path, query, body=body, **options)

    async def get(self, path: str, query: Mapping[str, str] | str = "", **options: Any) -> Reply:
        return await self.request("GET", path, query, **options)

    async def head(self, path: str, query: Mapping[str, str] | str = "", **options: Any) -> Reply:
        return await self.request("HEAD", path, query, **options)

    async def delete(self, path: str, query: Mapping[str, str] | str = "", **options: Any) -> Reply:
        return await self.request("DELETE", path, query, **options)

    async def post(self, path: str, query: Mapping[str, str] | str, body: bytes = b"", **options: Any) -> Reply:
        return await self.request("POST", path, query, body=body, **options)


def _quote(text: str, safe: str, encoding: str | None = None, errors: str | None = None) -> str:
    from s3gateway.percent import encode

    return encode(text)


def _cut(body: bytes, sizes: Sequence[int]) -> list[bytes]:
    pieces, position = [], 0
    for size in sizes:
        pieces.append(body[position : position + size])
        position += size
    if position < len(body) or not pieces:
        pieces.append(body[position:])
    return pieces
