"""Requests signed by botocore, as raw as they go over the wire: the oracle for our verification."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from unittest import mock
from urllib.parse import urlsplit

import botocore.auth
import botocore.credentials
from botocore.awsrequest import AWSRequest

from s3gateway.request import S3Request

ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
HOST = "127.0.0.1:9000"


class _DeclaredPayload(botocore.auth.S3SigV4Auth):
    """Signs what the test says of the body instead of the body's hash."""

    declared = ""

    def payload(self, request: AWSRequest) -> str:
        return self.declared or super().payload(request)


def signed(
    method: str,
    url_path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    access_key: str = ACCESS_KEY,
    secret_key: str = SECRET_KEY,
    region: str = "us-east-1",
    host: str = HOST,
    at: datetime | None = None,
    token: str | None = None,
    payload: str = "",
) -> S3Request:
    """`url_path` is percent-encoded path and query. The header form, with the body's hash or with `payload`."""
    signer = _DeclaredPayload(botocore.credentials.Credentials(access_key, secret_key, token), "s3", region)
    signer.declared = payload
    request = AWSRequest(method, f"http://{host}{url_path}", data=body, headers=dict(headers or {}))
    return _from_aws(_sign(signer, request, at), host, body)


def presigned(
    method: str,
    url_path: str,
    headers: Mapping[str, str] | None = None,
    *,
    access_key: str = ACCESS_KEY,
    secret_key: str = SECRET_KEY,
    region: str = "us-east-1",
    host: str = HOST,
    expires_seconds: int = 3600,
    at: datetime | None = None,
) -> S3Request:
    signer = botocore.auth.S3SigV4QueryAuth(
        botocore.credentials.Credentials(access_key, secret_key), "s3", region, expires=expires_seconds
    )
    request = AWSRequest(method, f"http://{host}{url_path}", headers=dict(headers or {}))
    return _from_aws(_sign(signer, request, at), host, b"")


def _sign(signer: botocore.auth.SigV4Auth, request: AWSRequest, at: datetime | None) -> AWSRequest:
    moment = at or datetime.now(UTC)
    with mock.patch("botocore.auth.get_current_datetime", lambda *_: moment.replace(tzinfo=None), create=True):
        signer.add_auth(request)
    return request


def _from_aws(request: AWSRequest, host: str, body: bytes) -> S3Request:
    parts = urlsplit(request.url)
    headers = {b"host": host.encode()}
    for name, value in request.headers.items():
        headers[name.lower().encode()] = value.encode() if isinstance(value, str) else value
    if body:
        headers.setdefault(b"content-length", b"%d" % len(body))
    return S3Request(request.method, parts.path.encode(), parts.query.encode(), headers)
