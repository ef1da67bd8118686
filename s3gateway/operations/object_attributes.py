"""GetObjectAttributes: what is known of a version, without its bytes."""

from __future__ import annotations

from s3gateway.errors import invalid_argument
from s3gateway.headers import http_date, parse_version_id
from s3gateway.object_reply import version_headers
from s3gateway.operations.call import Call, Response, xml_response
from s3gateway.operations.object_list import MAX_KEYS
from s3gateway.shapes.attributes import PartWindow, attributes_document, parse_attribute_names


async def get_object_attributes(call: Call) -> Response:
    """GetObjectAttributes: ETag, checksum, parts, storage class and size, as asked for."""
    request = call.request
    wanted = parse_attribute_names(request.header(b"x-amz-object-attributes"))
    window = PartWindow(
        after=_number(call, b"x-amz-part-number-marker", 0),
        limit=min(_number(call, b"x-amz-max-parts", MAX_KEYS), MAX_KEYS),
    )
    named = parse_version_id(request.query.get("versionId")) if "versionId" in request.query else None
    version = await call.objects.open(call.bucket, call.key, named)
    shown = version.version_id if version.version_id or named is not None else None
    headers = [(b"last-modified", http_date(version.last_modified)), *version_headers(shown)]
    return xml_response(attributes_document(version, wanted, window), headers=headers)


def _number(call: Call, name: bytes, default: int) -> int:
    value = call.request.header(name)
    if value is None:
        return default
    if not (value.isascii() and value.isdecimal() and len(value) <= 9):
        raise invalid_argument(name.decode(), value, "must be an integer of at least 0")
    return int(value)
