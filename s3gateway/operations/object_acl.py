"""GetObjectAcl: what is in force for an object; ACLs cannot be set."""

from __future__ import annotations

from s3gateway.headers import parse_version_id
from s3gateway.object_reply import version_headers
from s3gateway.operations.call import Call, Response, xml_response
from s3gateway.shapes.acl import acl_document


async def get_object_acl(call: Call) -> Response:
    """GetObjectAcl: the bucket's tenant owns every object; all users may read those of a public bucket."""
    query = call.request.query
    named = parse_version_id(query.get("versionId")) if "versionId" in query else None
    version = await call.objects.head(call.bucket, call.key, named)
    shown = version.version_id if version.version_id or named is not None else None
    document = acl_document(call.bucket.tenant_name, public_read=call.bucket.public_read)
    return xml_response(document, headers=version_headers(shown))
