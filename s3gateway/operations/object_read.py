"""GetObject and HeadObject: one version of an object, whole or a part of it.

Hot: a plain GET of a small object looks up the version, builds eight header pairs and returns its bytes.
Must not know: how bytes are stored; the engine hands out verified plain bytes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from dataplane.contracts import Checksum, ObjectVersion
from dataplane.errors import NotModified
from s3gateway.errors import S3Error, invalid_argument
from s3gateway.headers import Header, etag_header, http_date, parse_http_date, parse_version_id, sendable
from s3gateway.object_reply import checksum_headers, object_headers
from s3gateway.operations.call import Call, Response
from s3gateway.preconditions import check_read, parse_etags, read_conditions
from s3gateway.ranges import content_range, parse_range, part_interval
from s3gateway.request import Query, S3Request, header_text

MAX_PART_NUMBER: Final = 10_000

_SSE: Final = b"x-amz-server-side-encryption"
_SSE_CUSTOMER_ALGORITHM: Final = b"x-amz-server-side-encryption-customer-algorithm"
_OVERRIDES: Final = {
    "response-content-type": b"content-type",
    "response-content-language": b"content-language",
    "response-expires": b"expires",
    "response-cache-control": b"cache-control",
    "response-content-disposition": b"content-disposition",
    "response-content-encoding": b"content-encoding",
}


async def get_object(call: Call) -> Response:
    """GetObject: 200, 206 (Range, partNumber), 304, 404, 405, 412, 416."""
    return await _answer(call, with_body=True)


async def head_object(call: Call) -> Response:
    """HeadObject: as GetObject without the bytes."""
    return await _answer(call, with_body=False)


async def _answer(call: Call, *, with_body: bool) -> Response:
    request = call.request
    if _SSE in request.headers or _SSE_CUSTOMER_ALGORITHM in request.headers:
        raise _encryption_asked(request)
    query = request.query if request.raw_query else None
    version_id = None
    if query is not None and "versionId" in query:
        version_id = parse_version_id(query.get("versionId"))
    part_number = None if query is None else query.find("partNumber")
    # The parts and the body are looked up only where they are needed.
    look_up = call.objects.open if with_body or part_number is not None else call.objects.head
    version = await look_up(call.bucket, call.key, version_id)
    conditions = read_conditions(request.headers)
    if conditions is not None:
        try:
            check_read(conditions, etag=version.etag, last_modified=version.last_modified, now=datetime.now(UTC))
        except NotModified:
            return _not_modified(version, named=version_id is not None)
    headers = object_headers(version, encrypts=call.settings.encrypts_at_rest, named=version_id is not None)
    start, stop, status = 0, version.size, 200
    checksum = version.checksum
    range_header = request.headers.get(b"range")
    if range_header is not None or part_number is not None:
        interval: tuple[int, int] | None
        if part_number is not None:
            if range_header is not None:
                raise S3Error("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
            interval, checksum = _part(version, _parse_part_number(part_number), headers)
        else:
            interval = _range(version, header_text(range_header or b""), request.headers.get(b"if-range"))
            if interval is not None:
                checksum = None
        if interval is not None and version.size:
            start, stop = interval
            status = 206
            headers.append((b"content-range", content_range(start, stop, version.size)))
    if checksum is not None and request.headers.get(b"x-amz-checksum-mode", b"").strip().upper() == b"ENABLED":
        headers += checksum_headers(checksum)
    if query is not None:
        headers = _override(call, query, headers)
    if not with_body:
        return Response(status, headers, b"", stop - start)
    if version.inline is not None:
        data = call.objects.inline_bytes(version)
        return Response(status, headers, data if status == 200 else data[start:stop])
    if start == stop:
        return Response(status, headers)
    return Response(status, headers, call.objects.read(version, start, stop), stop - start)


def _encryption_asked(request: S3Request) -> S3Error:
    """How an object is encrypted is said when it is written; no object here has a key of the client's."""
    value = request.header(_SSE)
    if value is not None:
        return invalid_argument(
            _SSE.decode(), value, "x-amz-server-side-encryption header is not supported for this operation."
        )
    return S3Error("InvalidRequest", "The encryption parameters are not applicable to this object.")


def _not_modified(version: ObjectVersion, *, named: bool) -> Response:
    headers: list[Header] = [
        (b"etag", etag_header(version.etag)),
        (b"last-modified", http_date(version.last_modified)),
    ]
    if version.headers.cache_control:
        headers.append((b"cache-control", sendable(version.headers.cache_control)))
    if version.headers.expires:
        headers.append((b"expires", sendable(version.headers.expires)))
    if version.version_id or named:
        headers.append((b"x-amz-version-id", version.version_id.encode() or b"null"))
    return Response(304, headers)


def _parse_part_number(value: str) -> int:
    number = int(value) if value.isascii() and value.isdecimal() and len(value) <= 6 else 0
    if not 1 <= number <= MAX_PART_NUMBER:
        raise invalid_argument(
            "partNumber", value, f"Part number must be an integer between 1 and {MAX_PART_NUMBER}, inclusive"
        )
    return number


def _part(version: ObjectVersion, number: int, headers: list[Header]) -> tuple[tuple[int, int], Checksum | None]:
    """Interval and checksum of part `number`; an object that was not uploaded in parts is its own part 1."""
    count = version.part_count or 1
    if number > count:
        raise S3Error("InvalidPartNumber", fields={"ActualPartCount": str(count), "PartNumberRequested": str(number)})
    if not version.part_count:
        return (0, version.size), version.checksum
    headers.append((b"x-amz-mp-parts-count", b"%d" % count))
    if not version.parts:
        return (0, version.size), version.checksum
    part = version.parts[number - 1]
    checksum = part.checksum
    if checksum is not None and version.checksum is not None:
        checksum = Checksum(checksum.algorithm, checksum.value, version.checksum.type)
    return part_interval([piece.size for piece in version.parts], number - 1), checksum


def _range(version: ObjectVersion, header: str, if_range: bytes | None) -> tuple[int, int] | None:
    if if_range is not None and not _same_representation(version, header_text(if_range)):
        return None
    return parse_range(header, version.size)


def _same_representation(version: ObjectVersion, validator: str) -> bool:
    """If-Range (RFC 9110 13.1.5): a download is resumed only if the object is still the same."""
    moment = None if validator.startswith(('"', "W/")) else parse_http_date(validator)
    if moment is not None:
        return version.last_modified.replace(microsecond=0) == moment
    return not validator.startswith("W/") and parse_etags(validator) == (version.etag,)


def _override(call: Call, query: Query, headers: list[Header]) -> list[Header]:
    """response-* parameters replace reply headers; only who signed the URL may say so."""
    overrides = {_OVERRIDES[name]: sendable(value) for name, value in query.pairs if name in _OVERRIDES}
    if not overrides:
        return headers
    if call.context.principal is None:
        raise S3Error("InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests.")
    return [line for line in headers if line[0] not in overrides] + list(overrides.items())
