"""`RequestContext`: what is known of one request, filled step by step by `pipeline.py` and read by everyone below.

A mutable slotted object on purpose: six frozen copies a request cost more than the signature check. Only the
pipeline writes it. Must not know: ASGI, the engine.
"""

from __future__ import annotations

from dataclasses import dataclass

from dataplane.contracts import BucketRecord, Principal
from s3gateway.auth.payload import UNSIGNED, PayloadAuthentication
from s3gateway.operations.spec import Operation
from s3gateway.request import S3Request


@dataclass(slots=True)
class RequestContext:
    request_id: str
    """16 upper-case hex digits, as x-amz-request-id."""
    request: S3Request
    operation: Operation | None = None
    bucket_name: str = ""
    key: str = ""
    """Decoded; "" where the address names no object."""
    virtual_host: bool = False
    """Whether the bucket was named by the Host header."""
    principal: Principal | None = None
    """None: anonymous."""
    bucket: BucketRecord | None = None
    payload: PayloadAuthentication = UNSIGNED
