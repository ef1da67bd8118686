"""DeleteObject and DeleteObjects.

Must not know: what a delete does to versions and bytes; the engine decides in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dataplane.access.actions import BUCKET_WRITE, OBJECT_DELETE
from dataplane.contracts import Deleted, DeleteItem
from dataplane.errors import DomainError
from s3gateway.addressing import check_key
from s3gateway.error_map import to_s3_error
from s3gateway.errors import S3Error
from s3gateway.headers import parse_version_id
from s3gateway.object_reply import DELETE_MARKER, version_headers
from s3gateway.operations.call import Call, Response, xml_response
from s3gateway.preconditions import delete_conditions
from s3gateway.shapes.deleting import DeleteResultWriter, parse_delete

_MAX_DELETE_BYTES: Final = 4 * 1024 * 1024
"""1,000 keys of 1,024 bytes, percent-encoded or escaped as XML, with versions and conditions."""


async def delete_object(call: Call) -> Response:
    """DeleteObject: 204, also where nothing was there; a delete marker in a versioned bucket."""
    request = call.request
    version_id = parse_version_id(request.query.get("versionId")) if "versionId" in request.query else None
    item = DeleteItem(call.key, version_id, delete_conditions(request.headers))
    (outcome,) = await call.objects.delete(call.bucket, [item], bypass_governance=_bypass_governance(call))
    if isinstance(outcome, DomainError):
        raise outcome
    headers = version_headers(outcome.version_id)
    if outcome.delete_marker:
        headers.insert(0, DELETE_MARKER)
    return Response(204, headers)


async def delete_objects(call: Call) -> Response:
    """DeleteObjects: up to 1,000 keys, each allowed or refused on its own; 200 with DeleteResult."""
    if not call.body.vouched_for:
        raise S3Error("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
    request = parse_delete(await call.xml_body(_MAX_DELETE_BYTES))
    refused: dict[int, S3Error] = {}
    allowed: list[DeleteItem] = []
    for position, item in enumerate(request.items):
        try:
            call.require(OBJECT_DELETE, call.bucket, check_key(item.key))
        except S3Error as error:
            refused[position] = error
        else:
            allowed.append(item)
    outcomes: list[Deleted | DomainError] = []
    if allowed:
        outcomes = await call.objects.delete(call.bucket, allowed, bypass_governance=_bypass_governance(call))
    writer = DeleteResultWriter(quiet=request.quiet)
    _write_outcomes(writer, request.items, refused, outcomes)
    return xml_response(writer.document())


def _write_outcomes(
    writer: DeleteResultWriter,
    items: tuple[DeleteItem, ...],
    refused: Mapping[int, S3Error],
    outcomes: list[Deleted | DomainError],
) -> None:
    remaining = iter(outcomes)
    for position, item in enumerate(items):
        error = refused.get(position)
        if error is None:
            outcome = next(remaining)
            if isinstance(outcome, Deleted):
                writer.deleted(item, outcome)
                continue
            error = to_s3_error(outcome)
        writer.failed(item, error.code, error.message)


def _bypass_governance(call: Call) -> bool:
    """Governance locks give way to who asks for it and may change the bucket itself."""
    asked = (call.request.header(b"x-amz-bypass-governance-retention") or "").lower() == "true"
    return asked and call.may(BUCKET_WRITE, call.bucket)
