"""Whose request is it? From a request to a principal (or anonymous) and to how its body is vouched for.

The order of checks is AWS's: form, scope, key, clock, signature. Must not know: what the principal may do.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from dataplane.contracts import Credential, Principal
from dataplane.ports import Directory
from s3gateway.auth.chunk_signature import ChunkSigner
from s3gateway.auth.claims import MEMO_LIMIT
from s3gateway.auth.header import malformed, parse_authorization
from s3gateway.auth.payload import EMPTY, EMPTY_SHA256, UNSIGNED, UNSIGNED_TRAILER, PayloadAuthentication, PayloadKind
from s3gateway.auth.presigned import hoisted_headers, is_presigned, parse_presigned, refused
from s3gateway.auth.presigned_v2 import is_presigned_v2, moved_headers_v2, parse_presigned_v2, verify_v2
from s3gateway.auth.sigv4 import SERVICE, TERMINATOR, Claim, signing_key, verify
from s3gateway.errors import S3Error, invalid_argument
from s3gateway.request import S3Request
from s3gateway.settings import GatewaySettings

FALLBACK_REGION = "us-east-1"
"""What SDKs sign for when they were told no region: accepted everywhere."""

_SHA256_HEX = re.compile(rb"[0-9a-f]{64}")
_PAYLOAD_KINDS = {kind.value.encode(): kind for kind in PayloadKind if kind is not PayloadKind.SIGNED}
_DATE = re.compile(r"[0-9]{8}", re.ASCII)


class Authenticator:
    """Verifies requests against the directory's credentials. One per worker; keeps derived signing keys, bounded."""

    def __init__(self, directory: Directory, settings: GatewaySettings) -> None:
        self._directory = directory
        self._settings = settings
        self._regions = frozenset({settings.region, FALLBACK_REGION})
        self._keys: dict[tuple[str, str, str], tuple[str, bytes]] = {}

    async def authenticate(
        self, request: S3Request, now_seconds: float, virtual_bucket: str = ""
    ) -> tuple[Principal | None, PayloadAuthentication]:
        """`now_seconds` since 1970; `virtual_bucket` is the bucket that the Host header names, else "".

        None: anonymous. Raises S3Error for anything that claims more than it can show.
        """
        authorization = request.headers.get(b"authorization")
        presigned = bool(request.raw_query) and is_presigned(request)
        if presigned or (request.raw_query and is_presigned_v2(request)):
            if authorization is not None:
                raise invalid_argument(
                    "Authorization",
                    authorization.decode("latin-1"),
                    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
                    "parameter or the Authorization header should be specified",
                )
            if not presigned:
                return await self._authenticate_v2(request, now_seconds, virtual_bucket)
            claim = parse_presigned(request, self._settings.presign_max_seconds)
        elif authorization is not None:
            claim = parse_authorization(request, authorization)
        else:
            return None, _unsigned_payload(request)

        self._check_scope(claim)
        _refuse_token(request)
        access_key = claim.scope.access_key
        credential = self._directory.cached_credential(access_key) or await self._credential(access_key)
        self._check_time(claim, now_seconds)
        key = self._signing_key(credential, claim)
        verify(request, claim, key)
        if claim.expires_seconds is not None:
            request.headers = hoisted_headers(request)
        return credential.principal, _payload(claim, key)

    async def _authenticate_v2(
        self, request: S3Request, now_seconds: float, virtual_bucket: str
    ) -> tuple[Principal, PayloadAuthentication]:
        """A presigned URL of Signature Version 2. Its body is vouched for only by what the headers declare of it."""
        claim = parse_presigned_v2(request)
        _refuse_token(request)
        credential = await self._credential(claim.access_key)
        if now_seconds > claim.expires_at:
            raise S3Error(
                "AccessDenied",
                "Request has expired",
                fields={"Expires": _iso(claim.expires_at), "ServerTime": _iso(now_seconds)},
            )
        verify_v2(request, claim, credential.secret_key, virtual_bucket)
        request.headers = moved_headers_v2(request)
        return credential.principal, _unsigned_payload(request)

    async def _credential(self, access_key: str) -> Credential:
        credential = self._directory.cached_credential(access_key) or await self._directory.credential(access_key)
        if credential is None:
            raise S3Error("InvalidAccessKeyId", fields={"AWSAccessKeyId": access_key})
        return credential

    def _signing_key(self, credential: Credential, claim: Claim) -> bytes:
        """The day's key. Kept with the secret it was made from, so that a rotated secret is never served by it."""
        scope = claim.scope
        name = (scope.access_key, scope.date, scope.region)
        kept = self._keys.get(name)
        if kept is not None and kept[0] == credential.secret_key:
            return kept[1]
        key = signing_key(credential.secret_key, scope.date, scope.region)
        if len(self._keys) >= MEMO_LIMIT:
            self._keys.clear()
        self._keys[name] = (credential.secret_key, key)
        return key

    def _check_scope(self, claim: Claim) -> None:
        scope = claim.scope
        if (
            scope.region in self._regions
            and scope.service == SERVICE
            and scope.terminator == TERMINATOR
            and claim.amz_date.startswith(scope.date)
            and len(scope.date) == 8
        ):
            return
        if _DATE.fullmatch(scope.date) is None:
            raise _scope_error(
                claim,
                f'incorrect date format "{scope.date}". This date in the credential must be in the format "yyyyMMdd".',
            )
        if scope.region not in self._regions:
            expected = self._settings.region
            raise _scope_error(claim, f"the region '{scope.region}' is wrong; expecting '{expected}'", Region=expected)
        if scope.service != SERVICE:
            raise _scope_error(claim, f'incorrect service "{scope.service}". This endpoint belongs to "{SERVICE}".')
        if scope.terminator != TERMINATOR:
            raise _scope_error(claim, f'incorrect terminal "{scope.terminator}". This endpoint uses "{TERMINATOR}".')
        raise _scope_error(
            claim,
            f'Invalid credential date "{scope.date}". This date is not the same as X-Amz-Date: "{claim.amz_date[:8]}".',
        )

    def _check_time(self, claim: Claim, now_seconds: float) -> None:
        skew = self._settings.clock_skew_seconds
        if claim.expires_seconds is None:
            if abs(now_seconds - claim.signed_at) > skew:
                raise S3Error(
                    "RequestTimeTooSkewed",
                    fields={
                        "RequestTime": claim.amz_date,
                        "ServerTime": _iso(now_seconds),
                        "MaxAllowedSkewMilliseconds": str(skew * 1000),
                    },
                )
            return
        if claim.signed_at - now_seconds > skew:
            raise S3Error("AccessDenied", "Request is not valid yet", fields={"ServerTime": _iso(now_seconds)})
        expires_at = claim.signed_at + claim.expires_seconds
        if now_seconds > expires_at:
            raise S3Error(
                "AccessDenied",
                "Request has expired",
                fields={
                    "X-Amz-Expires": str(claim.expires_seconds),
                    "Expires": _iso(expires_at),
                    "ServerTime": _iso(now_seconds),
                },
            )


def _scope_error(claim: Claim, what: str, **fields: str) -> S3Error:
    if claim.expires_seconds is None:
        return malformed(what, **fields)
    return refused(f"Error parsing the X-Amz-Credential parameter; {what}", **fields)


def _refuse_token(request: S3Request) -> None:
    """No temporary credentials are issued yet, so no session token can be a good one. Empty ones are ignored."""
    token = request.header(b"x-amz-security-token") or next(
        (value for name, value in request.query.pairs if value and name.lower() == "x-amz-security-token"), None
    )
    if token:
        raise S3Error("InvalidToken", fields={"Token-0": token})


def _payload(claim: Claim, key: bytes) -> PayloadAuthentication:
    declared = claim.payload_hash
    kind = _PAYLOAD_KINDS.get(declared)
    if kind is None:
        return _plain_payload(declared)
    if kind is PayloadKind.UNSIGNED:
        return UNSIGNED
    if kind is PayloadKind.STREAMING_UNSIGNED_TRAILER:
        return UNSIGNED_TRAILER
    signer = ChunkSigner(key, claim.amz_date, claim.scope.text, claim.signature)
    return PayloadAuthentication(kind, signer=signer)


def _plain_payload(declared: bytes) -> PayloadAuthentication:
    if _SHA256_HEX.fullmatch(declared) is None:
        accepted = ", ".join(name.decode() for name in _PAYLOAD_KINDS)
        raise invalid_argument(
            "x-amz-content-sha256",
            declared.decode("latin-1"),
            f"x-amz-content-sha256 must be {accepted} or a valid sha256 value.",
        )
    text = declared.decode()
    return EMPTY if text == EMPTY_SHA256 else PayloadAuthentication(PayloadKind.SIGNED, text)


def _unsigned_payload(request: S3Request) -> PayloadAuthentication:
    """Nobody signed the body, but what was declared of it must still hold; signed chunks need a signer."""
    declared = request.headers.get(b"x-amz-content-sha256", b"").strip()
    if not declared:
        return UNSIGNED
    kind = _PAYLOAD_KINDS.get(declared)
    if kind is None:
        return _plain_payload(declared)
    if kind is PayloadKind.UNSIGNED:
        return UNSIGNED
    if kind is PayloadKind.STREAMING_UNSIGNED_TRAILER:
        return UNSIGNED_TRAILER
    raise S3Error("AccessDenied", f"{kind.value} requires a signed request")


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
