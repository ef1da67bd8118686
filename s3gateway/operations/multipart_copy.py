"""UploadPartCopy: a range of an object becomes a part of an upload."""

from __future__ import annotations

from datetime import UTC, datetime

from s3gateway.object_reply import SSE_S3
from s3gateway.operations.call import Call, Response, xml_response
from s3gateway.operations.copy_source import MAX_COPY_BYTES, open_copy_source, too_large
from s3gateway.operations.multipart import parse_part_number
from s3gateway.ranges import parse_copy_range
from s3gateway.shapes.copying import copy_document
from s3gateway.write_request import check_encryption


async def upload_part_copy(call: Call) -> Response:
    """UploadPartCopy: 200 with CopyPartResult."""
    query = call.request.query
    number = parse_part_number(query.get("partNumber"))
    check_encryption(call.request.headers, call.settings)
    source = await open_copy_source(call)
    header = call.request.header(b"x-amz-copy-source-range")
    start, stop = (0, source.version.size) if header is None else parse_copy_range(header, source.version.size)
    if stop - start > MAX_COPY_BYTES:
        raise too_large()
    part = await call.objects.upload_part_copy(
        call.bucket, call.key, query.get("uploadId"), number, source.version, start, stop
    )
    reply = source.headers()
    if call.settings.encrypts_at_rest:
        reply.append(SSE_S3)
    moment = part.last_modified or datetime.now(UTC)
    document = copy_document("CopyPartResult", part.etag, moment, part.checksum, typed=False)
    return xml_response(document, headers=reply)
