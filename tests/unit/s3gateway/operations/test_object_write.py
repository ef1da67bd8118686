"""PutObject through the whole gateway, over an engine in memory."""

from __future__ import annotations

import hashlib

from tests.support.gateway_client import GatewayClient

BODY = b"hello world"
MD5 = hashlib.md5(BODY).hexdigest()


async def test_a_plain_put_answers_etag_checksum_and_encryption(client: GatewayClient) -> None:
    reply = await client.put("/data/key", BODY)
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["etag"] == f'"{MD5}"'
    assert reply.headers["x-amz-server-side-encryption"] == "AES256"
    # What S3 computes on its own where the client sent no checksum: CRC64NVME of "hello world".
    assert reply.headers["x-amz-checksum-crc64nvme"] == "jSnVw/bqjr4="
    assert reply.headers["x-amz-checksum-type"] == "FULL_OBJECT"
    assert "x-amz-version-id" not in reply.headers
    assert (await client.get("/data/key")).body == BODY
