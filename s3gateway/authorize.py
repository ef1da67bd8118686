"""From a request to the question that `dataplane.access` answers. No policy is decided here.

Must not know: how a caller was authenticated, what a handler does.
"""

from __future__ import annotations

from dataplane.access import actions
from dataplane.access.decide import decide, decide_below
from dataplane.contracts import BucketRecord, Principal
from dataplane.ports import Directory
from s3gateway.context import RequestContext
from s3gateway.errors import S3Error
from s3gateway.operations.spec import Operation, Scope
from s3gateway.request import S3Request
from s3gateway.settings import GatewaySettings

EXPECTED_OWNER = b"x-amz-expected-bucket-owner"
EXPECTED_SOURCE_OWNER = b"x-amz-source-expected-bucket-owner"


def may(principal: Principal | None, action: str, bucket: BucketRecord, key: str | None = None) -> bool:
    resource = bucket.name if key is None else f"{bucket.name}/{key}"
    return decide(principal, action, resource, bucket).allowed


def require(principal: Principal | None, action: str, bucket: BucketRecord, key: str | None = None) -> None:
    if not may(principal, action, bucket, key):
        raise S3Error("AccessDenied")


def authorize(context: RequestContext, operation: Operation) -> None:
    """Raises AccessDenied unless the caller has the row's right (or one of its `other_actions`) on the address."""
    if operation.scope is Scope.OBJECT:
        resource = f"{context.bucket_name}/{context.key}"
    elif operation.scope is Scope.BUCKET:
        resource = context.bucket_name
    else:
        resource = actions.EVERYTHING
    principal, bucket = context.principal, context.bucket
    if operation.per_key:
        if bucket is None or not decide_below(principal, operation.action, bucket).allowed:
            raise S3Error("AccessDenied")
        return
    if decide(principal, operation.action, resource, bucket).allowed:
        return
    for action in operation.other_actions:
        if decide(principal, action, resource, bucket).allowed:
            return
    if operation.action == actions.BUCKET_LIST and operation.scope is Scope.BUCKET:
        # An app that may list only `bucket/team/*` may list the bucket with a prefix below `team/`.
        prefix = context.request.query.get("prefix")
        if prefix and decide(principal, actions.OBJECT_LIST, f"{resource}/{prefix}", bucket).allowed:
            return
    raise S3Error("AccessDenied")


def may_see_absence(context: RequestContext) -> bool:
    """Whether the caller may be told that a key does not exist: only those who could have listed it."""
    bucket = context.bucket
    if bucket is None:
        return False
    return may(context.principal, actions.BUCKET_LIST, bucket) or may(
        context.principal, actions.OBJECT_LIST, bucket, context.key
    )


def check_expected_owner(request: S3Request, bucket: BucketRecord, header: bytes = EXPECTED_OWNER) -> None:
    """Raises AccessDenied where the client says whose bucket it means and it is another's. Owners are tenants."""
    expected = request.header(header)
    if expected is not None and expected != bucket.tenant_name:
        raise S3Error("AccessDenied")


async def look_up_bucket(directory: Directory, name: str) -> BucketRecord:
    """The bucket, in whatever region it lives. Raises NoSuchBucket."""
    bucket = directory.cached_bucket(name)
    if bucket is None:
        bucket = await directory.bucket(name)
        if bucket is None:
            raise S3Error("NoSuchBucket", fields={"BucketName": name})
    return bucket


async def find_bucket(directory: Directory, settings: GatewaySettings, name: str) -> BucketRecord:
    """The bucket, if it exists and lives in this region. Raises NoSuchBucket or PermanentRedirect."""
    bucket = await look_up_bucket(directory, name)
    if bucket.region != settings.region:
        raise redirect(bucket, settings)
    return bucket


def redirect(bucket: BucketRecord, settings: GatewaySettings) -> S3Error:
    """301 to the region where the bucket lives: SDKs read the header, people the body."""
    fields = {"Bucket": bucket.name, "Region": bucket.region}
    endpoint = settings.region_endpoints.get(bucket.region, "")
    if endpoint:
        fields["Endpoint"] = endpoint
    return S3Error("PermanentRedirect", fields=fields, headers=((b"x-amz-bucket-region", bucket.region.encode()),))
