"""ListObjects, ListObjectsV2, ListObjectVersions: parameters, pages, documents.

Must not know: how a page is found; the engine answers in byte order of UTF-8 keys.
"""

from __future__ import annotations

from typing import Final

from dataplane.contracts import ObjectPage, VersionPage
from s3gateway.errors import invalid_argument
from s3gateway.headers import parse_version_id
from s3gateway.listing_tokens import OBJECTS, decode_token, encode_token
from s3gateway.operations.call import Call, Response, xml_response
from s3gateway.request import Query
from s3gateway.shapes.listing import (
    ListingRequest,
    objects_document_v1,
    objects_document_v2,
    versions_document,
)

MAX_KEYS: Final = 1000
_MAX_INTEGER: Final = 2**31 - 1


def parse_limit(query: Query, name: str, argument: str) -> int:
    """`max-keys` and its like: 0 ... 2147483647, at most 1,000 of them honoured."""
    value = query.get(name)
    if not value:
        return MAX_KEYS
    number = int(value) if value.isascii() and value.isdecimal() and len(value) <= 10 else -1
    if not 0 <= number <= _MAX_INTEGER:
        raise invalid_argument(name, value, f"Argument {argument} must be an integer between 0 and {_MAX_INTEGER}")
    return min(number, MAX_KEYS)


def parse_encoding(query: Query) -> bool:
    """Whether keys are to be percent-encoded in the document."""
    value = query.get("encoding-type")
    if value and value.lower() != "url":
        raise invalid_argument("encoding-type", value, "Invalid Encoding Method specified in Request")
    return bool(value)


def _listing_request(call: Call) -> ListingRequest:
    query = call.request.query
    return ListingRequest(
        bucket=call.bucket.name,
        prefix=query.get("prefix"),
        delimiter=query.get("delimiter"),
        limit=parse_limit(query, "max-keys", "maxKeys"),
        url_encoded=parse_encoding(query),
    )


async def _page(call: Call, request: ListingRequest, after: str) -> ObjectPage:
    if request.limit == 0:
        # S3 says of an empty page that it is the whole: a client that asked for nothing must not loop.
        return ObjectPage((), (), None)
    page: ObjectPage = await call.objects.list_objects(
        call.bucket, prefix=request.prefix, delimiter=request.delimiter, after=after, limit=request.limit
    )
    return page


async def list_objects(call: Call) -> Response:
    """ListObjects (version 1): marker, NextMarker with a delimiter."""
    request = _listing_request(call)
    marker = call.request.query.get("marker")
    page = await _page(call, request, marker)
    return xml_response(objects_document_v1(request, page, marker=marker))


async def list_objects_v2(call: Call) -> Response:
    """ListObjectsV2: opaque tokens; start-after counts only on the first page."""
    request = _listing_request(call)
    query = call.request.query
    token, start_after = query.find("continuation-token"), query.find("start-after")
    fetch_owner = query.get("fetch-owner").lower() == "true"
    after = decode_token(OBJECTS, token) if token else start_after or ""
    page = await _page(call, request, after)
    document = objects_document_v2(
        request,
        page,
        start_after=start_after,
        token=token,
        next_token=None if page.next_after is None else encode_token(OBJECTS, page.next_after),
        with_owner=fetch_owner,
    )
    return xml_response(document)


async def list_object_versions(call: Call) -> Response:
    """ListObjectVersions: key-marker and version-id-marker name the last row of the page before."""
    request = _listing_request(call)
    query = call.request.query
    key_marker, version_marker = query.get("key-marker"), query.find("version-id-marker")
    if version_marker is not None and not key_marker:
        raise invalid_argument(
            "version-id-marker", version_marker, "A version-id marker cannot be specified without a key marker."
        )
    page = VersionPage((), (), None, None)
    if request.limit:
        page = await call.objects.list_versions(
            call.bucket,
            prefix=request.prefix,
            delimiter=request.delimiter,
            after_key=key_marker,
            after_version_id=parse_version_id(version_marker) if version_marker else None,
            limit=request.limit,
        )
    return xml_response(versions_document(request, page, key_marker=key_marker, version_id_marker=version_marker))
