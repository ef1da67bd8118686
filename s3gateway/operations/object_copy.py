"""CopyObject: a version of one key becomes the current version of another (or the same) key.

Must not know: whether bytes move; the engine shares them where it can.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from dataplane.contracts import ChecksumAlgorithm, ObjectAttributes
from s3gateway.body.checksums import parse_algorithm
from s3gateway.errors import S3Error, invalid_argument
from s3gateway.object_reply import SSE_S3, written_version_headers
from s3gateway.operations.call import Call, Response, xml_response
from s3gateway.operations.copy_source import MAX_COPY_BYTES, CopySource, open_copy_source, too_large
from s3gateway.preconditions import write_conditions
from s3gateway.request import header_text
from s3gateway.shapes.copying import copy_document
from s3gateway.write_request import parse_attributes

_METADATA_DIRECTIVE = b"x-amz-metadata-directive"
_TAGGING_DIRECTIVE = b"x-amz-tagging-directive"
_CHANGES = frozenset(
    (
        b"x-amz-storage-class",
        b"x-amz-website-redirect-location",
        b"x-amz-server-side-encryption",
    )
)
"""Headers that make a copy of an object onto itself a change."""


async def copy_object(call: Call) -> Response:
    """CopyObject: 200 with CopyObjectResult."""
    headers = call.request.headers
    replace_metadata = _directive(headers, _METADATA_DIRECTIVE)
    replace_tags = _directive(headers, _TAGGING_DIRECTIVE)
    asked = parse_attributes(
        headers, bucket=call.bucket, owner=call.owner, settings=call.settings, now=datetime.now(UTC)
    )
    algorithm = _checksum_algorithm(headers)
    source = await open_copy_source(call)
    if source.version.size > MAX_COPY_BYTES:
        raise too_large()
    if _onto_itself(call, source) and not (replace_metadata or replace_tags or algorithm or _changes(headers)):
        raise S3Error(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes.",
        )
    attributes = _attributes(asked, source, replace_metadata=replace_metadata, replace_tags=replace_tags)
    result = await call.objects.copy(
        source.bucket,
        source.version,
        call.bucket,
        call.key,
        attributes,
        write_conditions(headers),
        checksum_algorithm=algorithm,
    )
    reply = source.headers() + written_version_headers(result.version_id)
    if call.settings.encrypts_at_rest:
        reply.append(SSE_S3)
    document = copy_document("CopyObjectResult", result.etag, result.last_modified, result.checksum, typed=True)
    return xml_response(document, headers=reply)


def _directive(headers: Mapping[bytes, bytes], name: bytes) -> bool:
    """Whether the directive is REPLACE; COPY is the default."""
    raw = headers.get(name)
    if raw is None:
        return False
    value = header_text(raw)
    if value not in ("COPY", "REPLACE"):
        raise invalid_argument(name.decode(), value, f"Unknown {name.decode().removeprefix('x-amz-')}.")
    return value == "REPLACE"


def _checksum_algorithm(headers: Mapping[bytes, bytes]) -> ChecksumAlgorithm | None:
    raw = headers.get(b"x-amz-checksum-algorithm")
    return None if raw is None else parse_algorithm(header_text(raw))


def _onto_itself(call: Call, source: CopySource) -> bool:
    return source.bucket.id == call.bucket.id and source.version.key == call.key and not source.named_version


def _changes(headers: Mapping[bytes, bytes]) -> bool:
    return any(name in headers for name in _CHANGES)


def _attributes(
    asked: ObjectAttributes, source: CopySource, *, replace_metadata: bool, replace_tags: bool
) -> ObjectAttributes:
    """Metadata and tags of the source or of the request, each by its directive; the rest always of the request.

    A website redirect is never copied, nor are storage class and locks: as S3 has it.
    """
    version = source.version
    kept = asked
    if not replace_metadata:
        content = replace(version.headers, website_redirect=asked.headers.website_redirect)
        kept = replace(kept, headers=content, user_metadata=version.user_metadata)
    if not replace_tags:
        kept = replace(kept, tags=version.tags)
    return kept
