"""Presigned URLs: the signature in the query, valid for up to seven days. Pure.

Must not know: keys, the clock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from s3gateway.auth.claims import amz_date_seconds, credential_scope, require_signed, signed_headers
from s3gateway.auth.payload import PayloadKind
from s3gateway.auth.sigv4 import ALGORITHM, Claim
from s3gateway.errors import S3Error
from s3gateway.request import S3Request

_REQUIRED = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-Date",
    "X-Amz-SignedHeaders",
    "X-Amz-Expires",
)
_AUTHENTICATION = frozenset(name.lower() for name in (*_REQUIRED, "X-Amz-Security-Token", "X-Amz-Content-Sha256"))
_NOT_HOISTED = ("x-amz-checksum-", "x-amz-sdk-")
_NUMBER = re.compile(r"-?[0-9]{1,18}")


def is_presigned(request: S3Request) -> bool:
    """Whether the query claims to be signed: any of the three that make no sense without a signature."""
    if b"X-Amz-" not in request.raw_query:
        return False
    query = request.query
    return "X-Amz-Signature" in query or "X-Amz-Algorithm" in query or "X-Amz-Credential" in query


def parse_presigned(request: S3Request, max_expires_seconds: int) -> Claim:
    """Raises AuthorizationQueryParametersError, naming what is wrong."""
    query = request.query
    if not all(name in query for name in _REQUIRED):
        raise refused(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
            "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
        )
    if query.get("X-Amz-Algorithm") != ALGORITHM:
        raise refused(f'X-Amz-Algorithm only supports "{ALGORITHM}"')
    scope = credential_scope[query.get("X-Amz-Credential").encode()]
    if scope is None:
        raise refused(
            "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "
            '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
        )
    headers = signed_headers[query.get("X-Amz-SignedHeaders").encode()]
    if headers is None:
        raise refused("X-Amz-SignedHeaders must be a list of lower-case header names.")
    amz_date = query.get("X-Amz-Date")
    signed_at = amz_date_seconds[amz_date]
    if signed_at is None:
        raise refused("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    expires_seconds = _expires(query.get("X-Amz-Expires"), max_expires_seconds)
    require_signed(request.headers, headers)
    declared = query.get("X-Amz-Content-Sha256").encode() or request.headers.get(b"x-amz-content-sha256", b"").strip()
    return Claim(
        scope=scope,
        signed_headers=headers,
        signature=query.get("X-Amz-Signature"),
        amz_date=amz_date,
        signed_at=signed_at,
        payload_hash=declared or PayloadKind.UNSIGNED.value.encode(),
        query=without_signature(request.raw_query),
        expires_seconds=expires_seconds,
    )


def without_signature(raw_query: bytes) -> bytes:
    return b"&".join(item for item in raw_query.split(b"&") if not item.startswith(b"X-Amz-Signature="))


def hoisted_headers(request: S3Request) -> Mapping[bytes, bytes]:
    """The request's headers, with the signed x-amz-* query parameters that signers put there instead of headers.

    S3 reads them as headers (x-amz-acl, x-amz-meta-*, x-amz-tagging ...), except for checksums: signers that have no
    body yet put the checksum of the empty one there, and S3 ignores it.
    """
    headers = dict(request.headers)
    for name, value in request.query.pairs:
        lower = name.lower()
        if lower.startswith("x-amz-") and lower not in _AUTHENTICATION and not lower.startswith(_NOT_HOISTED):
            headers.setdefault(lower.encode(), value.encode())
    return headers


def refused(message: str, **fields: str) -> S3Error:
    return S3Error("AuthorizationQueryParametersError", message, fields=fields)


def _expires(text: str, limit_seconds: int) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise refused("X-Amz-Expires should be a number")
    seconds = int(text)
    if seconds < 0:
        raise refused("X-Amz-Expires must be non-negative")
    if seconds > limit_seconds:
        raise refused(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than "
            f"{limit_seconds} seconds"
        )
    return seconds
