"""The Authorization header: `AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...`. Pure.

Must not know: keys, the clock.
"""

from __future__ import annotations

import re

from s3gateway.auth.claims import amz_date_seconds, credential_scope, http_date_to_amz, require_signed, signed_headers
from s3gateway.auth.payload import EMPTY_SHA256
from s3gateway.auth.sigv4 import Claim
from s3gateway.errors import S3Error, invalid_argument
from s3gateway.request import S3Request, header_text

_PREFIX = b"AWS4-HMAC-SHA256"
_SIGV4A_PREFIX = b"AWS4-ECDSA-P256-SHA256"
_SIGNATURE = re.compile(r"[0-9a-f]{64}")


def parse_authorization(request: S3Request, value: bytes) -> Claim:
    """Raises the errors AWS has for a header that is not SigV4 (also SigV2, by name) or is malformed."""
    algorithm, _, rest = value.partition(b" ")
    if algorithm != _PREFIX:
        raise _wrong_algorithm(algorithm, value)
    credential = signed = signature = b""
    for item in rest.split(b","):
        name, _, content = item.strip().partition(b"=")
        if name == b"Credential":
            credential = content
        elif name == b"SignedHeaders":
            signed = content
        elif name == b"Signature":
            signature = content
    scope = credential_scope[credential]
    if scope is None:
        raise malformed('the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".')
    headers = signed_headers[signed]
    if headers is None:
        raise malformed("the SignedHeaders are missing or not a list of lower-case names.")
    signature_text = signature.decode("latin-1")
    if _SIGNATURE.fullmatch(signature_text) is None:
        raise malformed("the Signature is missing or not 64 lower-case hexadecimal digits.")
    require_signed(request.headers, headers)
    amz_date, signed_at = _date(request)
    return Claim(
        scope=scope,
        signed_headers=headers,
        signature=signature_text,
        amz_date=amz_date,
        signed_at=signed_at,
        payload_hash=_payload_hash(request),
        query=request.raw_query,
    )


def malformed(what: str, **fields: str) -> S3Error:
    return S3Error("AuthorizationHeaderMalformed", f"The authorization header is malformed; {what}", fields=fields)


def _wrong_algorithm(algorithm: bytes, value: bytes) -> S3Error:
    if algorithm in (b"AWS", _SIGV4A_PREFIX):
        return S3Error(
            "InvalidRequest",
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        )
    return invalid_argument("Authorization", header_text(value), "Unsupported Authorization Type")


def _date(request: S3Request) -> tuple[str, float]:
    raw = request.headers.get(b"x-amz-date")
    if raw is not None:
        text = raw.strip().decode("latin-1")
    else:
        text = http_date_to_amz(header_text(request.headers.get(b"date", b""))) or ""
    seconds = amz_date_seconds[text]
    if seconds is None:
        raise S3Error("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
    return text, seconds


def _payload_hash(request: S3Request) -> bytes:
    declared = request.headers.get(b"x-amz-content-sha256")
    if declared is not None:
        return declared.strip()
    if request.headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in request.headers:
        # Plain SigV4 without S3's header: without a body there is only one hash it can have signed.
        return EMPTY_SHA256.encode()
    raise S3Error("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
