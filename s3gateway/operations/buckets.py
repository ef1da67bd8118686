"""ListBuckets, CreateBucket, HeadBucket, DeleteBucket, GetBucketLocation.

Must not know: how names are claimed; the directory does that.
"""

from __future__ import annotations

from typing import Final

from dataplane.contracts import BucketRecord
from dataplane.errors import BucketAlreadyOwnedByYou
from s3gateway.addressing import check_bucket_name
from s3gateway.errors import S3Error, invalid_argument, not_implemented
from s3gateway.listing_tokens import BUCKETS, decode_token, encode_token
from s3gateway.operations.call import Call, Response, xml_response
from s3gateway.request import header_text
from s3gateway.shapes.buckets import buckets_document, location_document, parse_location_constraint
from s3gateway.write_request import ACCEPTED_ACLS, CANNED_ACLS, GRANT_PREFIX
from s3gateway.xml.reader import parse

MAX_BUCKETS_IN_PAGE: Final = 10_000
"""S3's own limit of `max-buckets`, and our page where the client names none."""
_PARAMETERS: Final = ("prefix", "max-buckets", "continuation-token", "bucket-region")
_MAX_CONFIGURATION_BYTES: Final = 64 * 1024
_EUROPE: Final = "EU"
"""What old clients call eu-west-1."""


async def list_buckets(call: Call) -> Response:
    """ListBuckets: the buckets of the caller's tenant, in byte order of their names."""
    query = call.request.query
    prefix = query.find("prefix")
    token = query.get("continuation-token")
    limit = _max_buckets(query.find("max-buckets"))
    after = decode_token(BUCKETS, token) if token else ""
    tenant_id = call.tenant_id
    if tenant_id is None:
        raise S3Error("AccessDenied")
    region = query.get("bucket-region")
    found: list[BucketRecord] = []
    more = True
    while more and len(found) <= limit:
        page = await call.directory.list_buckets(tenant_id, prefix=prefix or "", after=after, limit=limit + 1)
        found += [bucket for bucket in page if not region or bucket.region == region]
        more = len(page) > limit
        after = page[-1].name if page else after
    next_token = encode_token(BUCKETS, found[limit - 1].name) if len(found) > limit else None
    document = buckets_document(
        found[:limit],
        call.owner,
        regions=any(name in query for name in _PARAMETERS),
        prefix=prefix,
        next_token=next_token,
    )
    return xml_response(document)


def _max_buckets(value: str | None) -> int:
    if value is None:
        return MAX_BUCKETS_IN_PAGE
    number = int(value) if value.isascii() and value.isdecimal() and len(value) <= 9 else 0
    if not 1 <= number <= MAX_BUCKETS_IN_PAGE:
        raise invalid_argument(
            "max-buckets", value, f"Argument max-buckets must be an integer between 1 and {MAX_BUCKETS_IN_PAGE}"
        )
    return number


async def create_bucket(call: Call) -> Response:
    """CreateBucket: 200 with Location.

    Who already owns the bucket gets 409 BucketAlreadyOwnedByYou, but 200 in us-east-1, as AWS has it.
    """
    name = check_bucket_name(call.context.bucket_name)
    principal = call.context.principal
    if principal is None:
        raise S3Error("AccessDenied")
    _check_headers(call)
    _check_region(call, await _location_constraint(call))
    lock = (call.request.header(b"x-amz-bucket-object-lock-enabled") or "false").lower()
    if lock not in ("true", "false"):
        raise invalid_argument("x-amz-bucket-object-lock-enabled", lock, "must be true or false")
    try:
        await call.directory.create_bucket(
            name=name,
            tenant_id=principal.tenant_id,
            region=call.settings.region,
            object_lock=lock == "true",
            actor=actor(call),
        )
    except BucketAlreadyOwnedByYou:
        if call.settings.region != "us-east-1":
            raise
    return Response(200, [(b"location", b"/" + name.encode())])


def _check_headers(call: Call) -> None:
    headers = call.request.headers
    ownership = call.request.header(b"x-amz-object-ownership")
    if ownership is not None and ownership != "BucketOwnerEnforced":
        if ownership not in ("BucketOwnerPreferred", "ObjectWriter"):
            raise invalid_argument("x-amz-object-ownership", ownership)
        raise not_implemented(f"x-amz-object-ownership: {ownership}")
    acl = headers.get(b"x-amz-acl")
    if acl is not None:
        value = header_text(acl)
        if value not in CANNED_ACLS:
            raise invalid_argument("x-amz-acl", value)
        if value not in ACCEPTED_ACLS:
            raise S3Error("InvalidBucketAclWithObjectOwnership")
    if any(header.startswith(GRANT_PREFIX) for header in headers):
        raise S3Error("InvalidBucketAclWithObjectOwnership")


async def _location_constraint(call: Call) -> str:
    body = call.body
    if body.length == 0 or (body.length is None and b"transfer-encoding" not in call.request.headers):
        return ""
    data = await body.read_all(_MAX_CONFIGURATION_BYTES)
    return parse_location_constraint(parse(data)) if data.strip() else ""


def _check_region(call: Call, constraint: str) -> None:
    """This node makes buckets of its own region. us-east-1 is what clients say who mean none."""
    region = call.settings.region
    wanted = "eu-west-1" if constraint == _EUROPE else constraint
    if wanted in ("", region, "us-east-1"):
        return
    if wanted in call.settings.region_endpoints:
        raise S3Error(
            "IllegalLocationConstraintException",
            f"The {wanted} location constraint is incompatible for the region specific endpoint this request was sent "
            f"to ({region}).",
        )
    raise S3Error("InvalidLocationConstraint", fields={"LocationConstraint": constraint})


def actor(call: Call) -> str:
    """Who did it, for the audit trail."""
    principal = call.context.principal
    return "anonymous" if principal is None else f"app:{principal.tenant_name}/{principal.app_name}"


async def head_bucket(call: Call) -> Response:
    """HeadBucket: 200 with the bucket's region."""
    return Response(
        200,
        [
            (b"x-amz-bucket-region", call.bucket.region.encode()),
            (b"x-amz-access-point-alias", b"false"),
            (b"content-type", b"application/xml"),
        ],
    )


async def delete_bucket(call: Call) -> Response:
    """DeleteBucket: 204; 409 BucketNotEmpty while it holds versions or markers."""
    await call.directory.delete_bucket(call.bucket, actor=actor(call))
    return Response(204)


async def get_bucket_location(call: Call) -> Response:
    """GetBucketLocation."""
    return xml_response(location_document(call.bucket.region))
