"""Signed S3 requests and the native API on one h2c connection, straight to the node without a proxy."""

from __future__ import annotations

import os
import struct
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

import pytest

from dataplane.native.v1 import auth_pb2
from tests.support.raw_http2 import END_HEADERS, END_STREAM, HEADERS, RawHttp2, Reply, frame
from tests.support.s3_node import SAFE, App, S3Node, signed_headers

GRPC = (("content-type", "application/grpc"), ("te", "trailers"))


@dataclass(frozen=True)
class Signed:
    """One app's requests on a connection."""

    raw: RawHttp2
    app: App

    def begin(self, method: str, path: str, body: bytes = b"", query: Mapping[str, str] | None = None) -> int:
        """Sends a request, its body under the node's windows; returns the stream."""
        query = query or {}
        lines = signed_headers(self.app, method, path, query, headers={}, body=body)
        lines = {name.lower(): value for name, value in lines.items()}
        target = quote(path, safe=SAFE + "/")
        if query:
            target += "?" + "&".join(f"{quote(n, safe=SAFE)}={quote(v, safe=SAFE)}" for n, v in query.items())
        pseudo = [(":method", method), (":scheme", "http"), (":authority", lines.pop("host")), (":path", target)]
        if body:
            lines["content-length"] = str(len(body))
        stream = self.raw.next_stream
        self.raw.next_stream += 2
        self.raw.replies[stream] = Reply()
        flags = END_HEADERS | (0 if body else END_STREAM)
        self.raw.send(frame(HEADERS, flags, stream, self.raw.block([*pseudo, *lines.items()])))
        if body:
            self.raw.upload(stream, body)
        return stream

    def ask(self, method: str, path: str, body: bytes = b"", query: Mapping[str, str] | None = None) -> Reply:
        return self.raw.reply(self.begin(method, path, body, query), 60)


@pytest.fixture
def signed(s3_node: S3Node) -> Iterator[Signed]:
    with RawHttp2(s3_node.process.port) as raw:
        yield Signed(raw, s3_node.main)


@pytest.fixture
def bucket(signed: Signed) -> str:
    name = f"h2c-{uuid.uuid4().hex}"
    assert signed.ask("PUT", f"/{name}").status == 200
    return name


@pytest.mark.parametrize("size", [0, 1, 100_000, 20_000_000])
def test_bytes_come_back_as_they_went(signed: Signed, bucket: str, size: int) -> None:
    body = os.urandom(size)
    path = f"/{bucket}/a key/ü+%2F//x"
    assert signed.ask("PUT", path, body).status == 200
    reply = signed.ask("GET", path)
    assert (reply.status, bytes(reply.body)) == (200, body)
    head = signed.ask("HEAD", path)
    assert (head.status, head.heads[-1]["content-length"], bytes(head.body)) == (200, str(size), b"")


def test_many_requests_at_once_on_one_connection(signed: Signed, bucket: str) -> None:
    bodies = {f"/{bucket}/key-{number:03}": os.urandom(number * 997) for number in range(40)}
    streams = [signed.begin("PUT", path, body) for path, body in bodies.items()]
    assert {signed.raw.reply(stream, 60).status for stream in streams} == {200}
    reads = {path: signed.begin("GET", path) for path in bodies}
    assert {path: bytes(signed.raw.reply(stream, 60).body) for path, stream in reads.items()} == bodies
    listing = signed.ask("GET", f"/{bucket}", query={"list-type": "2", "prefix": "key-0"})
    assert bytes(listing.body).count(b"<Key>") == 40


def test_a_wrong_signature_and_no_signature(signed: Signed, s3_node: S3Node, bucket: str) -> None:
    stranger = Signed(signed.raw, replace(signed.app, secret_key="not the secret"))
    refused = stranger.ask("PUT", f"/{bucket}/key", b"body")
    assert (refused.status, b"SignatureDoesNotMatch" in refused.body) == (403, True)
    nobody = Signed(signed.raw, s3_node.nobody)
    assert nobody.ask("GET", f"/{bucket}/key").status == 403
    assert nobody.ask("GET", "/").status == 200, "liveness"


def test_s3_and_the_native_api_share_the_connection(signed: Signed, bucket: str) -> None:
    body, raw, app = os.urandom(5_000_000), signed.raw, signed.app
    upload = signed.begin("PUT", f"/{bucket}/shared", body)
    message = auth_pb2.GetAccessTokenRequest(client_id=app.access_key, client_secret=app.secret_key).SerializeToString()
    call = raw.request("POST", "/anvil.v1.AuthService/GetAccessToken", GRPC, end=False)
    raw.data(call, b"\0" + struct.pack(">I", len(message)) + message, end=True)
    answered = raw.reply(call, 60)
    assert answered.heads[-1]["grpc-status"] == "0"
    token = auth_pb2.GetAccessTokenResponse.FromString(bytes(answered.body[5:]))
    assert (token.access_token.count("."), token.expires_in) == (2, 3600)
    assert raw.reply(upload, 60).status == 200
    assert bytes(signed.ask("GET", f"/{bucket}/shared").body) == body
