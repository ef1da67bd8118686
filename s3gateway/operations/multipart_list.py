"""ListParts and ListMultipartUploads."""

from __future__ import annotations

from typing import Final

from dataplane.contracts import PartPage, UploadPage
from s3gateway.errors import invalid_argument
from s3gateway.operations.call import Call, Response, xml_response
from s3gateway.operations.object_list import parse_encoding, parse_limit
from s3gateway.shapes.listing import ListingRequest
from s3gateway.shapes.multipart import UploadMarkers, parts_document, uploads_document

_MAX_INTEGER: Final = 2**31 - 1


async def list_parts(call: Call) -> Response:
    """ListParts: the parts that an upload has so far, by number."""
    query = call.request.query
    limit = parse_limit(query, "max-parts", "max-parts")
    after = _part_number_marker(query.get("part-number-marker"))
    upload = await call.objects.upload(call.bucket, call.key, query.get("uploadId"))
    page = PartPage((), None)
    if limit:
        page = await call.objects.list_parts(call.bucket, upload.upload_id, after=after, limit=limit)
    return xml_response(parts_document(call.bucket.name, upload, page, after=after, limit=limit))


def _part_number_marker(value: str) -> int:
    if not value:
        return 0
    number = int(value) if value.isascii() and value.isdecimal() and len(value) <= 10 else -1
    if not 0 <= number <= _MAX_INTEGER:
        raise invalid_argument(
            "part-number-marker", value, f"Argument part-number-marker must be an integer between 0 and {_MAX_INTEGER}"
        )
    return number


async def list_multipart_uploads(call: Call) -> Response:
    """ListMultipartUploads: by key, then by upload id. An upload-id-marker counts only with a key-marker."""
    query = call.request.query
    request = ListingRequest(
        bucket=call.bucket.name,
        prefix=query.get("prefix"),
        delimiter=query.get("delimiter"),
        limit=parse_limit(query, "max-uploads", "max-uploads"),
        url_encoded=parse_encoding(query),
    )
    key_marker = query.get("key-marker")
    markers = UploadMarkers(key_marker, query.get("upload-id-marker") if key_marker else "")
    page = UploadPage((), (), None, None)
    if request.limit:
        page = await call.objects.list_uploads(
            call.bucket,
            prefix=request.prefix,
            delimiter=request.delimiter,
            after_key=markers.key,
            after_upload_id=markers.upload_id,
            limit=request.limit,
        )
    return xml_response(uploads_document(request, page, markers))
