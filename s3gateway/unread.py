"""What to do about a request body that nobody read, so that the connection is neither corrupted nor cut too soon.

The reply to a refused upload often goes out while the client still sends. Closing at once would reset the
connection and the client would never see why; reading on forever would let anyone hold a worker.
Must not know: S3, replies.
"""

from __future__ import annotations

import asyncio
import enum

from s3gateway.request import S3Request
from s3gateway.settings import GatewaySettings
from s3gateway.stream import ClientDisconnected, RequestStream


class Remainder(enum.Enum):
    NOTHING = "the body is read to its end: the connection can be used again"
    NOT_SENT = "the client waits for 100 Continue, or for nothing at all: what it will send nobody knows, so close"
    SENT_ON = "the client is still sending: reply, read on for a while, close"


def may_have_body(request: S3Request) -> bool:
    """Whether bytes may follow the head. HTTP/2 needs neither header; only PUT and POST have one there."""
    headers = request.headers
    length = headers.get(b"content-length")
    if length is not None:
        return length != b"0"
    if b"transfer-encoding" in headers:
        return True
    return request.http_version.startswith("2") and request.method in ("PUT", "POST")


async def remainder(request: S3Request, stream: RequestStream, settings: GatewaySettings) -> Remainder:
    """Reads a short rest away first, since most clients look at the reply only after they have sent everything."""
    if stream.given_up:
        return Remainder.NOT_SENT
    headers = request.headers
    if not stream.started and headers.get(b"expect", b"").lower() == b"100-continue":
        return Remainder.NOT_SENT
    length = headers.get(b"content-length", b"")
    if length.isdigit() and len(length) < 20:
        left_bytes = int(length) - stream.received_bytes
        if left_bytes <= settings.drain_before_reply_bytes and await drain(
            stream, settings.drain_before_reply_bytes, settings.drain_seconds
        ):
            return Remainder.NOTHING
    return Remainder.SENT_ON


async def drain(stream: RequestStream, limit_bytes: int, timeout_seconds: float) -> bool:
    """Reads and drops; whether the end was reached within the limits."""
    stop_at = stream.received_bytes + limit_bytes
    try:
        async with asyncio.timeout(timeout_seconds):
            while await stream.read():
                if stream.received_bytes > stop_at:
                    return False
    except (TimeoutError, ClientDisconnected):
        return False
    return True
