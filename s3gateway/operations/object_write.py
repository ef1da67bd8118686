"""PutObject: the request's bytes become the current version of a key.

Hot: a small PUT without special headers makes one attribute look-up and one engine call.
Must not know: coding, stores, quorum.
"""

from __future__ import annotations

from datetime import UTC, datetime

from s3gateway.object_reply import SSE_S3, checksum_headers, version_headers
from s3gateway.operations.call import Call, Response
from s3gateway.preconditions import write_conditions
from s3gateway.write_request import parse_attributes


async def put_object(call: Call) -> Response:
    """PutObject: 200 with ETag, checksum and version id; nothing is stored where any proof of the bytes fails."""
    headers = call.request.headers
    attributes = parse_attributes(
        headers, bucket=call.bucket, owner=call.owner, settings=call.settings, now=datetime.now(UTC)
    )
    conditions = write_conditions(headers)
    body = call.body
    body.expect_object()
    result = await call.objects.put(call.bucket, call.key, body, attributes, conditions)
    reply = [(b"etag", b'"%b"' % result.etag.encode())]
    if call.settings.encrypts_at_rest:
        reply.append(SSE_S3)
    if result.checksum is not None:
        reply += checksum_headers(result.checksum)
    if result.version_id:
        reply += version_headers(result.version_id)
    return Response(200, reply)
