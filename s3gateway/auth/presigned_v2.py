"""Presigned URLs of Signature Version 2: HMAC-SHA1 in the query, which boto3 still makes by default. Pure.

Source: "Signing and authenticating REST requests (AWS signature version 2)", its section on query strings, AWS S3
developer guide; docs/decisions says why it is accepted here and nowhere else. Version 2 covers neither host nor body
nor parameters it never heard of, so a request that relies on one of those is refused by name.
Must not know: whose key it is, the clock.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from s3gateway.auth.presigned import hoisted_headers
from s3gateway.errors import S3Error
from s3gateway.operations.table import OPERATIONS
from s3gateway.percent import canonical_path, decode_query_component
from s3gateway.request import S3Request

SIGNED_PARAMETERS = frozenset(
    (
        "accelerate",
        "acl",
        "analytics",
        "cors",
        "defaultObjectAcl",
        "delete",
        "inventory",
        "lifecycle",
        "location",
        "logging",
        "metrics",
        "notification",
        "object-lock",
        "partNumber",
        "policy",
        "replication",
        "requestPayment",
        "response-cache-control",
        "response-content-disposition",
        "response-content-encoding",
        "response-content-language",
        "response-content-type",
        "response-expires",
        "restore",
        "select",
        "select-type",
        "storageClass",
        "tagging",
        "torrent",
        "uploadId",
        "uploads",
        "versionId",
        "versioning",
        "versions",
        "website",
    )
)
"""The query parameters that are part of what is signed, as botocore has them."""

UNCOVERED_SUBRESOURCES = frozenset(row.subresource for row in OPERATIONS if row.subresource) - SIGNED_PARAMETERS
"""Younger than Version 2: whoever holds a URL could put one into it, or take it out, and get something else."""

_REQUIRED = ("AWSAccessKeyId", "Expires", "Signature")
_AMZ_PREFIX = "x-amz-"
_MOVED_HEADERS = frozenset(("content-md5", "content-type"))
_NUMBER = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class ClaimV2:
    """What a URL says of its own signature, well-formed but not verified."""

    access_key: str
    signature: str
    """Base64 of 20 bytes, if it is a good one."""
    expires_text: str
    """As signed."""
    expires_at: int
    """The same as seconds since 1970."""


def is_presigned_v2(request: S3Request) -> bool:
    """`?AWSAccessKeyId=...&Expires=...&Signature=...`; one that leaves something out is still meant to be one."""
    raw = request.raw_query
    if b"Signature=" not in raw and b"AWSAccessKeyId=" not in raw:
        return False
    return "Signature" in request.query or "AWSAccessKeyId" in request.query


def parse_presigned_v2(request: S3Request) -> ClaimV2:
    """Raises AccessDenied, naming what is wrong, and InvalidRequest for what Version 2 cannot vouch for."""
    query = request.query
    if not all(query.get(name) for name in _REQUIRED):
        raise S3Error(
            "AccessDenied", "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
        )
    expires = query.get("Expires")
    if _NUMBER.fullmatch(expires) is None:
        raise S3Error("AccessDenied", f"Invalid date (should be seconds since epoch): {expires}")
    uncovered = UNCOVERED_SUBRESOURCES & query.names
    if uncovered:
        raise S3Error(
            "InvalidRequest",
            f"A presigned URL of Signature Version 2 does not cover the parameter {min(uncovered)}. "
            "Please use AWS4-HMAC-SHA256.",
        )
    # Base64 has plus signs, and clients that do not escape them send what a query takes for spaces.
    return ClaimV2(query.get("AWSAccessKeyId"), query.get("Signature").replace(" ", "+"), expires, int(expires))


def moved_headers_v2(request: S3Request) -> Mapping[bytes, bytes]:
    """What `hoisted_headers` is to Version 4: here the type and the MD5 of the body are moved to the query too."""
    headers = dict(hoisted_headers(request))
    for name in _MOVED_HEADERS:
        value = request.query.find(name)
        if value is not None:
            headers.setdefault(name.encode(), value.encode())
    return headers


def verify_v2(request: S3Request, claim: ClaimV2, secret_key: str, virtual_bucket: str) -> None:
    """Raises SignatureDoesNotMatch, with what was computed, unless `claim` was made with `secret_key` over `request`.

    `virtual_bucket` is the bucket that the Host header names, else "".
    """
    headers = _signed_headers(request)
    head = b"%b\n%b\n%b\n%b\n%b" % (
        request.method.encode(),
        headers.get(b"content-md5", b"").strip(),
        headers.get(b"content-type", b"").strip(),
        claim.expires_text.encode(),
        _amz_headers(headers),
    )
    parameters = _signed_parameters(request.raw_query)
    first = b""
    for path in _paths(request.raw_path, virtual_bucket):
        text = head + path + parameters
        computed = base64.b64encode(hmac.digest(secret_key.encode(), text, "sha1"))
        if hmac.compare_digest(computed, claim.signature.encode()):
            return
        first = first or text
    raise S3Error(
        "SignatureDoesNotMatch",
        fields={
            "AWSAccessKeyId": claim.access_key,
            "StringToSign": first.decode("utf-8", "replace"),
            "SignatureProvided": claim.signature,
            "StringToSignBytes": first.hex(" "),
        },
    )


def _signed_headers(request: S3Request) -> Mapping[bytes, bytes]:
    """The request's headers, with those that the signer put into the query instead; one that is sent wins."""
    headers = dict(request.headers)
    for name, value in request.query.pairs:
        lower = name.lower()
        if lower.startswith(_AMZ_PREFIX) or lower in _MOVED_HEADERS:
            headers.setdefault(lower.encode(), value.encode())
    return headers


def _amz_headers(headers: Mapping[bytes, bytes]) -> bytes:
    prefix = _AMZ_PREFIX.encode()
    return b"".join(b"%b:%b\n" % (name, headers[name].strip()) for name in sorted(headers) if name.startswith(prefix))


def _signed_parameters(raw_query: bytes) -> bytes:
    """`?acl&versionId=1`: sorted by name, values decoded, a name without `=` left bare."""
    items = []
    for item in raw_query.split(b"&"):
        name, equals, value = item.partition(b"=")
        decoded = decode_query_component(name)
        if decoded in SIGNED_PARAMETERS:
            items.append((decoded, equals + decode_query_component(value).encode()))
    items.sort(key=lambda pair: pair[0])
    return b"?" + b"&".join(name.encode() + rest for name, rest in items) if items else b""


def _paths(raw_path: bytes, virtual_bucket: str) -> Iterator[bytes]:
    """The path with the bucket in front, as sent and then as S3 spells it; both name the same resource.

    A bucket alone is signed with a slash at its end, and often sent without.
    """
    prefix = f"/{virtual_bucket}".encode() if virtual_bucket else b""
    if not prefix and raw_path.count(b"/") == 1 and raw_path != b"/":
        raw_path += b"/"
    yield prefix + raw_path
    canonical = canonical_path(raw_path)
    if canonical != raw_path:
        yield prefix + canonical
