"""Signature Version 4: canonical request, string to sign, key, comparison. Pure.

Source: "Authenticating Requests (AWS Signature Version 4)", AWS S3 API reference. S3's own rules: the path is signed
as sent (never normalised, encoded once), the payload hash is what x-amz-content-sha256 says.

Must not know: where the claim was found (`header.py`, `presigned.py`), whose key it is (`authenticate.py`).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from s3gateway.errors import S3Error
from s3gateway.percent import canonical_component, canonical_path
from s3gateway.request import S3Request

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"
SERVICE = "s3"


class CredentialScope(NamedTuple):
    """`AKID/20130524/us-east-1/s3/aws4_request`, taken apart. `text` is all but the access key."""

    access_key: str
    date: str
    region: str
    service: str
    terminator: str
    text: str


class SignedHeaders(NamedTuple):
    """The list of signed headers: as sent, as names in that order, and as a set to ask."""

    raw: bytes
    names: tuple[bytes, ...]
    known: frozenset[bytes]


@dataclass(slots=True)
class Claim:
    """What a request says of its own signature, well-formed but not verified."""

    scope: CredentialScope
    signed_headers: SignedHeaders
    signature: str
    amz_date: str
    """`20130524T000000Z`, the second line of the string to sign."""
    signed_at: float
    """The same as seconds since 1970."""
    payload_hash: bytes
    query: bytes
    """The raw query without the signature itself."""
    expires_seconds: int | None = None
    """Of a presigned URL; None in the header form."""


def signing_key(secret_key: str, date: str, region: str) -> bytes:
    key = hmac.digest(b"AWS4" + secret_key.encode(), date.encode(), "sha256")
    for part in (region, SERVICE, TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def canonical_query(raw: bytes, *, reencode: bool = False) -> bytes:
    """Parameters sorted by name, then value. `reencode`: first decoded and encoded by S3's rules."""
    if not raw:
        return b""
    pairs = []
    for item in raw.split(b"&"):
        if not item:
            continue
        name, _, value = item.partition(b"=")
        if reencode:
            name, value = canonical_component(name), canonical_component(value)
        pairs.append((name, value))
    if len(pairs) > 1:
        pairs.sort()
    return b"&".join([b"%s=%s" % pair for pair in pairs])


def canonical_headers(headers: Mapping[bytes, bytes], names: tuple[bytes, ...]) -> bytes:
    lines = []
    for name in names:
        value = headers.get(name)
        if value is None:
            # Proxies answer `Expect` themselves and drop it; every client that signs it sends this one value.
            value = b"100-continue" if name == b"expect" else b""
        lines.append(b"%s:%s\n" % (name, b" ".join(value.split()) if b" " in value or b"\t" in value else value))
    return b"".join(lines)


def canonical_request(claim: Claim, method: str, path: bytes, query: bytes, headers: bytes) -> bytes:
    """`path`, `query` and `headers` are canonical already."""
    return b"%s\n%s\n%s\n%s\n%s\n%s" % (
        method.encode(),
        path,
        query,
        headers,
        claim.signed_headers.raw,
        claim.payload_hash,
    )


def string_to_sign(amz_date: str, scope: str, canonical: bytes) -> bytes:
    return f"{ALGORITHM}\n{amz_date}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}".encode()


def verify(request: S3Request, claim: Claim, key: bytes) -> None:
    """Raises SignatureDoesNotMatch, with what was computed, unless `claim` was made with `key` over `request`.

    The path and query are taken exactly as sent first. Clients that sign S3's encoding but send another spelling of
    the same thing (and proxies that respell) are verified in a second look: both name the same resource.
    """
    first = b""
    signature = claim.signature.encode()
    for canonical in _canonical_requests(request, claim):
        text = string_to_sign(claim.amz_date, claim.scope.text, canonical)
        if hmac.compare_digest(hmac.digest(key, text, "sha256").hex().encode(), signature):
            return
        first = first or canonical
    raise _mismatch(claim, first)


def _canonical_requests(request: S3Request, claim: Claim) -> Iterator[bytes]:
    method, path = request.method, request.raw_path
    headers = canonical_headers(request.headers, claim.signed_headers.names)
    query = canonical_query(claim.query)
    yield canonical_request(claim, method, path, query, headers)

    respelled = {(path, query, headers)}
    # Botocore and others sign header values as UTF-8 but send Latin-1.
    recoded = headers if _is_utf8(headers) else headers.decode("latin-1").encode()
    for other_path in (path, canonical_path(path)):
        for other_query in (query, canonical_query(claim.query, reencode=True)):
            for other_headers in (headers, recoded):
                variant = (other_path, other_query, other_headers)
                if variant not in respelled:
                    respelled.add(variant)
                    yield canonical_request(claim, method, *variant)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _mismatch(claim: Claim, canonical: bytes) -> S3Error:
    text = string_to_sign(claim.amz_date, claim.scope.text, canonical)
    return S3Error(
        "SignatureDoesNotMatch",
        fields={
            "AWSAccessKeyId": claim.scope.access_key,
            "StringToSign": text.decode(),
            "SignatureProvided": claim.signature,
            "StringToSignBytes": text.hex(" "),
            "CanonicalRequest": canonical.decode("utf-8", "replace"),
            "CanonicalRequestBytes": canonical.hex(" "),
        },
    )
