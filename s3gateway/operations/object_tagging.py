"""GetObjectTagging, PutObjectTagging, DeleteObjectTagging."""

from __future__ import annotations

from s3gateway.headers import parse_version_id
from s3gateway.object_reply import version_headers
from s3gateway.operations.call import Call, Response, xml_response
from s3gateway.shapes.tagging import parse_tagging, tagging_document


def _named_version(call: Call) -> str | None:
    query = call.request.query
    return parse_version_id(query.get("versionId")) if "versionId" in query else None


async def get_object_tagging(call: Call) -> Response:
    """GetObjectTagging: the tags of the current or the named version; an empty set where it has none."""
    named = _named_version(call)
    version = await call.objects.head(call.bucket, call.key, named)
    shown = version.version_id if version.version_id or named is not None else None
    return xml_response(tagging_document(version.tags), headers=version_headers(shown))


async def put_object_tagging(call: Call) -> Response:
    """PutObjectTagging: replaces all tags."""
    tags = parse_tagging(await call.xml_body())
    version_id = await call.objects.put_tags(call.bucket, call.key, _named_version(call), tags)
    return Response(200, version_headers(version_id))


async def delete_object_tagging(call: Call) -> Response:
    """DeleteObjectTagging: 204."""
    version_id = await call.objects.delete_tags(call.bucket, call.key, _named_version(call))
    return Response(204, version_headers(version_id))
