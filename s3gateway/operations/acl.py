"""GetBucketAcl and GetObjectAcl. ACLs are disabled (BucketOwnerEnforced): the owner has full control, nobody else.

Must not know: who may do what; grants and the public-read switch decide, not ACLs.
"""

from __future__ import annotations

from s3gateway.headers import parse_version_id
from s3gateway.object_reply import version_headers
from s3gateway.operations.call import Call, Response, xml_response
from s3gateway.shapes.configuration import owner_acl_document


async def get_bucket_acl(call: Call) -> Response:
    return xml_response(owner_acl_document(call.bucket.tenant_name))


async def get_object_acl(call: Call) -> Response:
    """404 and 405 as GetObject has them."""
    named = call.request.query.find("versionId")
    version = await call.objects.head(call.bucket, call.key, None if named is None else parse_version_id(named))
    headers = version_headers(version.version_id) if version.version_id or named is not None else []
    return xml_response(owner_acl_document(call.bucket.tenant_name), headers=headers)
