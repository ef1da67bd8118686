"""One S3 endpoint that is measured: where it is, how to sign for it, which processes it consists of.

Requests made here are outside the clock; the measured ones are replayed by `loadgen`.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import os
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.performance.bench.process_cost import Cost, listeners, measure
from tests.performance.bench.signing import EMPTY_SHA256, Signer, quote_path, quote_query

CALL_TIMEOUT_SECONDS = 120
OPTIONS = {"access_key", "secret_key", "region", "bucket", "pid"}
HELP = "NAME=URL,access_key=...,secret_key=...[,region=us-east-1][,bucket=...][,pid=1+2]"


class TargetRefused(Exception):
    """The endpoint did not do what the benchmark needs; the text is its answer."""


@dataclass(slots=True)
class Target:
    name: str
    address: str
    port: int
    signer: Signer
    bucket: str
    pids: set[int] = field(default_factory=set)

    @property
    def host(self) -> str:
        return f"{self.address}:{self.port}"

    def head(
        self,
        method: str,
        key: str,
        *,
        query: dict[str, str] | None = None,
        body_bytes: int = 0,
        body_sha256: str = EMPTY_SHA256,
    ) -> bytes:
        """A whole request head, signed now."""
        path, encoded = quote_path(self.bucket, key), quote_query(query or {})
        lines = [f"{method} {path}{'?' + encoded if encoded else ''} HTTP/1.1"]
        lines += [
            f"{name}: {value}" for name, value in self.signer.headers(method, path, encoded, self.host, body_sha256)
        ]
        if method in {"PUT", "POST"}:
            lines.append(f"Content-Length: {body_bytes}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def call(
        self, method: str, key: str = "", *, query: dict[str, str] | None = None, body: bytes = b""
    ) -> tuple[int, bytes]:
        head = self.head(
            method, key, query=query, body_bytes=len(body), body_sha256=hashlib.sha256(body).hexdigest()
        ).decode()
        first, *headers = head.rstrip("\r\n").split("\r\n")
        connection = http.client.HTTPConnection(self.address, self.port, timeout=CALL_TIMEOUT_SECONDS)
        try:
            connection.putrequest(method, first.split(" ")[1], skip_host=True, skip_accept_encoding=True)
            for line in headers:
                connection.putheader(*line.split(": ", 1))
            connection.endheaders(body or None)
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def make_bucket(self) -> None:
        status, answer = self.call("PUT")
        if status not in {200, 409}:
            raise TargetRefused(
                f"{self.name}: making the bucket {self.bucket!r} was answered {status}: {answer[:300]!r}"
            )

    def remove_bucket(self) -> None:
        """Empties it and deletes it, as far as the endpoint lets us: what is left over costs only space."""
        while True:
            status, answer = self.call("GET", query={"list-type": "2", "max-keys": "1000"})
            keys = re.findall(rb"<Key>([^<]+)</Key>", answer) if status == 200 else []
            if not keys:
                break
            for key in keys:
                status, answer = self.call("DELETE", key.decode())
                if status not in {200, 204}:
                    raise TargetRefused(f"{self.name}: deleting {key!r} was answered {status}: {answer[:300]!r}")
        self.call("DELETE")

    def cost(self, *, memory: bool = False) -> Cost:
        if not self.pids:
            self.pids = listeners(self.port)
        return measure(self.pids, memory=memory)


def parse_target(text: str) -> Target:
    """An argparse type for `HELP`."""
    name, found, rest = text.partition("=")
    url, *pairs = rest.split(",")
    options = dict(pair.partition("=")[::2] for pair in pairs)
    parts = urlsplit(url)
    if not found or parts.scheme != "http" or not parts.hostname or options.keys() - OPTIONS:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form {HELP}; only http:// is measured")
    signer = Signer(
        options.get("access_key", ""), options.get("secret_key", ""), options.get("region", "") or "us-east-1"
    )
    return Target(
        name=name,
        address="127.0.0.1" if parts.hostname == "localhost" else parts.hostname,
        port=parts.port or 80,
        signer=signer,
        bucket=options.get("bucket") or f"bench-{os.urandom(4).hex()}",
        pids={int(pid) for pid in options.get("pid", "").split("+") if pid},
    )
