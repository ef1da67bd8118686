"""CreateMultipartUpload, UploadPart, CompleteMultipartUpload, AbortMultipartUpload.

An upload always has a checksum algorithm: the one asked for, or CRC64NVME over the whole object, as S3 computes it.
Must not know: where parts lie, how they become one object.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from dataplane.contracts import Checksum, ChecksumAlgorithm, ChecksumType, CompletedPart, UploadRecord
from dataplane.errors import NoSuchUpload
from s3gateway.body.checksums import (
    CHECKSUM_HEADER_PREFIX,
    DEFAULT_ALGORITHM,
    parse_object_checksum,
    upload_checksum,
)
from s3gateway.body.reader import open_body
from s3gateway.errors import S3Error, invalid_argument
from s3gateway.object_reply import SSE_S3, checksum_headers, written_version_headers
from s3gateway.operations.call import Call, Headers, Response, xml_response
from s3gateway.operations.completion import answer_patiently
from s3gateway.preconditions import write_conditions
from s3gateway.request import header_text
from s3gateway.shapes.multipart import (
    MAX_PART_NUMBER,
    object_location,
    parse_complete,
    upload_completed_document,
    upload_started_document,
)
from s3gateway.write_request import parse_attributes
from s3gateway.xml.reader import parse

_MAX_COMPLETE_BYTES: Final = 4 * 1024 * 1024
"""10,000 parts with the longest ETag and checksum, indented."""
_NO_VALUES: Final = frozenset((b"x-amz-checksum-algorithm", b"x-amz-checksum-type", b"x-amz-checksum-mode"))


async def create_multipart_upload(call: Call) -> Response:
    """CreateMultipartUpload: attributes are fixed here, bytes follow."""
    headers = call.request.headers
    attributes = parse_attributes(
        headers, bucket=call.bucket, owner=call.owner, settings=call.settings, now=datetime.now(UTC)
    )
    asked = upload_checksum(
        call.request.header(b"x-amz-checksum-algorithm") or "", call.request.header(b"x-amz-checksum-type") or ""
    )
    algorithm, kind = asked or (DEFAULT_ALGORITHM, ChecksumType.FULL_OBJECT)
    upload = await call.objects.create_upload(call.bucket, call.key, attributes, algorithm, kind)
    reply: Headers = _encrypted(call)
    if asked is not None:
        reply.append((b"x-amz-checksum-algorithm", algorithm.name.encode()))
        reply.append((b"x-amz-checksum-type", kind.value.encode()))
    return xml_response(upload_started_document(call.bucket.name, upload), headers=reply)


def parse_part_number(value: str) -> int:
    number = int(value) if value.isascii() and value.isdecimal() and len(value) <= 9 else 0
    if not 1 <= number <= MAX_PART_NUMBER:
        raise invalid_argument(
            "partNumber", value, f"Part number must be an integer between 1 and {MAX_PART_NUMBER}, inclusive"
        )
    return number


async def upload_part(call: Call) -> Response:
    """UploadPart: replaces an earlier part of the same number."""
    query = call.request.query
    number, upload_id = parse_part_number(query.get("partNumber")), query.get("uploadId")
    body = call.body
    upload = await call.objects.upload(call.bucket, call.key, upload_id)
    body.expect_object(_stored_algorithm(upload, body.announced))
    part = await call.objects.upload_part(call.bucket, call.key, upload_id, number, body)
    reply: Headers = [(b"etag", b'"%b"' % part.etag.encode()), *_encrypted(call)]
    shown = body.announced_value() or part.checksum
    if shown is not None:
        reply += checksum_headers(shown)[:1]
    return Response(200, reply)


def _stored_algorithm(upload: UploadRecord, sent: ChecksumAlgorithm | None) -> ChecksumAlgorithm:
    """The checksum to keep of a part. A part may come without one where the whole object's can be combined.

    Uploads with CRC64NVME take parts with any other checksum too: it is verified, and theirs is computed beside it.
    """
    wanted = upload.checksum_algorithm or DEFAULT_ALGORITHM
    composite = upload.checksum_type is ChecksumType.COMPOSITE
    if (sent is None and composite) or (sent not in (None, wanted) and wanted is not DEFAULT_ALGORITHM):
        actual = "null" if sent is None else sent.value
        raise S3Error(
            "InvalidRequest",
            f"Checksum Type mismatch occurred, expected checksum Type: {wanted.value}, actual checksum Type: {actual}",
        )
    return wanted


async def complete_multipart_upload(call: Call) -> Response:
    """CompleteMultipartUpload: the parts named become the object, at once or not at all. A repetition answers alike."""
    headers = call.request.headers
    upload_id = call.request.query.get("uploadId")
    conditions = write_conditions(headers)
    object_size = _announced_size(call)
    kind = _announced_type(call)
    announced = _announced_checksum(call, kind)
    body = open_body(call.stream, call.request, call.context.payload, call.settings, checksum_headers=False)
    parts = parse_complete(parse(await body.read_all(_MAX_COMPLETE_BYTES)))
    try:
        upload = await call.objects.upload(call.bucket, call.key, upload_id)
    except NoSuchUpload:
        # Perhaps completed already: the engine answers a repetition with the same result, or NoSuchUpload.
        upload = None
    if upload is not None:
        parts = _checked_parts(upload, parts)
        announced = _checked_announcement(upload, announced, kind)

    async def work() -> Response:
        result = await call.objects.complete_upload(
            call.bucket, call.key, upload_id, parts, conditions, checksum=announced, object_size=object_size
        )
        context = call.context
        location = object_location(
            call.request.scheme,
            call.request.header(b"host") or "",
            call.bucket.name,
            call.key,
            virtual_host=context.virtual_host,
        )
        document = upload_completed_document(location, call.bucket.name, call.key, result.etag, result.checksum)
        return xml_response(document, headers=[*written_version_headers(result.version_id), *_encrypted(call)])

    return await answer_patiently(call, work)


async def abort_multipart_upload(call: Call) -> Response:
    """AbortMultipartUpload: 204; the parts' space is freed."""
    await call.objects.abort_upload(call.bucket, call.key, call.request.query.get("uploadId"))
    return Response(204)


def _encrypted(call: Call) -> Headers:
    return [SSE_S3] if call.settings.encrypts_at_rest else []


def _announced_size(call: Call) -> int | None:
    value = call.request.header(b"x-amz-mp-object-size")
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) <= 18):
        raise S3Error("InvalidRequest", f"Value for x-amz-mp-object-size header is invalid: '{value}'")
    return int(value)


def _announced_type(call: Call) -> ChecksumType | None:
    value = call.request.header(b"x-amz-checksum-type")
    if value is None:
        return None
    try:
        return ChecksumType(value.upper())
    except ValueError:
        raise S3Error("InvalidRequest", "Value for x-amz-checksum-type header is invalid.") from None


def _announced_checksum(call: Call, kind: ChecksumType | None) -> Checksum | None:
    """The checksum of the finished object that the headers announce; here they never speak of the XML body."""
    prefix = CHECKSUM_HEADER_PREFIX.encode()
    found = [
        (name, value)
        for name, value in call.request.headers.items()
        if name.startswith(prefix) and name not in _NO_VALUES
    ]
    if len(found) > 1:
        raise S3Error(
            "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    return parse_object_checksum(found[0][0].decode("latin-1"), header_text(found[0][1]), kind) if found else None


def _checked_parts(upload: UploadRecord, parts: tuple[CompletedPart, ...]) -> tuple[CompletedPart, ...]:
    """Every checksum named is of the upload's algorithm.

    AWS refuses to complete a composite whose parts are named without their checksums. They were proven when the parts
    came and are kept, so a request that does not repeat them is served.
    """
    wanted = upload.checksum_algorithm or DEFAULT_ALGORITHM
    checked = []
    for part in parts:
        if part.checksum is None or part.checksum.algorithm is wanted:
            checked.append(part)
        elif wanted is DEFAULT_ALGORITHM:
            # Verified when the part came; what is kept is the CRC64NVME beside it.
            checked.append(CompletedPart(part.number, part.etag))
        else:
            raise S3Error(
                "BadDigest",
                f"The {part.checksum.algorithm.value} you specified for part {part.number} did not match what we "
                "received.",
            )
    return tuple(checked)


def _checked_announcement(
    upload: UploadRecord, announced: Checksum | None, kind: ChecksumType | None
) -> Checksum | None:
    if kind is not None and upload.checksum_type is not None and kind is not upload.checksum_type:
        raise S3Error(
            "InvalidRequest",
            f"The upload was created using the {upload.checksum_type.value} checksum mode. The complete request must "
            "use the same checksum mode.",
        )
    if announced is None:
        return None
    wanted = upload.checksum_algorithm or DEFAULT_ALGORITHM
    if announced.algorithm is not wanted:
        if wanted is DEFAULT_ALGORITHM:
            return None
        raise S3Error(
            "BadDigest", f"The {announced.algorithm.value} you specified did not match the calculated checksum."
        )
    return Checksum(announced.algorithm, announced.value, upload.checksum_type or announced.type)
