"""GetBucketVersioning and PutBucketVersioning."""

from __future__ import annotations

from s3gateway.operations.call import Call, Response, xml_response
from s3gateway.shapes.buckets import parse_versioning, versioning_document


async def get_bucket_versioning(call: Call) -> Response:
    """GetBucketVersioning: Enabled, Suspended, or an empty document for a bucket that never had it."""
    state = await call.objects.bucket_state(call.bucket)
    return xml_response(versioning_document(state.versioning))


async def put_bucket_versioning(call: Call) -> Response:
    """PutBucketVersioning: 200; 409 where object lock needs it to stay enabled."""
    await call.objects.set_versioning(call.bucket, parse_versioning(await call.xml_body()))
    return Response(200)
