"""Builds aws-chunked bodies as clients do, in all four forms, with signatures of our own making."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

SCOPE = "20130524/us-east-1/s3/aws4_request"
DATE = "20130524T000000Z"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
_EMPTY = hashlib.sha256(b"").hexdigest()


def signing_key(secret: str = SECRET, scope: str = SCOPE) -> bytes:
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@dataclass
class ChunkSigning:
    """Signs as a client does, independently of the gateway's verifier."""

    key: bytes
    previous: str
    date: str = DATE
    scope: str = SCOPE

    def chunk(self, data: bytes) -> str:
        text = "\n".join(
            ("AWS4-HMAC-SHA256-PAYLOAD", self.date, self.scope, self.previous, _EMPTY, hashlib.sha256(data).hexdigest())
        )
        return self._sign(text)

    def trailer(self, lines: Sequence[tuple[str, str]]) -> str:
        canonical = "".join(f"{name}:{value}\n" for name, value in lines)
        text = "\n".join(
            (
                "AWS4-HMAC-SHA256-TRAILER",
                self.date,
                self.scope,
                self.previous,
                hashlib.sha256(canonical.encode()).hexdigest(),
            )
        )
        return self._sign(text)

    def _sign(self, text: str) -> str:
        self.previous = hmac.digest(self.key, text.encode(), "sha256").hex()
        return self.previous


def chunked_body(
    chunks: Sequence[bytes],
    *,
    signing: ChunkSigning | None = None,
    trailers: Sequence[tuple[str, str]] = (),
    signed_trailer: bool = False,
    line_end: str = "\r\n",
) -> bytes:
    """`chunks` without the empty last one. `line_end` is that of the trailer lines."""
    out = b""
    for chunk in (*chunks, b""):
        out += b"%x" % len(chunk)
        if signing is not None:
            out += b";chunk-signature=" + signing.chunk(chunk).encode()
        out += b"\r\n" + chunk + (b"\r\n" if chunk else b"")
    for name, value in trailers:
        out += f"{name}:{value}{line_end}".encode()
    if signed_trailer and signing is not None:
        out += f"x-amz-trailer-signature:{signing.trailer(trailers)}\r\n".encode()
    return out + b"\r\n"
