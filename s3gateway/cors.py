"""Preflight requests. Pure. No bucket can have a CORS configuration yet, so all are refused as S3 refuses then."""

from __future__ import annotations

from s3gateway.errors import S3Error
from s3gateway.request import S3Request


def refuse_preflight(request: S3Request) -> S3Error:
    if b"origin" not in request.headers:
        return S3Error("BadRequest", "Insufficient information. Origin request header needed.")
    return S3Error(
        "AccessForbidden",
        fields={
            "Method": request.header(b"access-control-request-method") or "",
            "ResourceType": "OBJECT" if request.raw_path.strip(b"/").count(b"/") else "BUCKET",
        },
    )
