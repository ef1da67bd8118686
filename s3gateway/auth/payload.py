"""How a request body is vouched for: what authentication hands on to `s3gateway.body`. Pure.

The value of x-amz-content-sha256 says it; the seed of chunk signatures is the request's own signature.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from s3gateway.auth.chunk_signature import ChunkSigner

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class PayloadKind(enum.Enum):
    UNSIGNED = "UNSIGNED-PAYLOAD"
    """Plain bytes nobody vouches for (also anonymous requests and presigned URLs)."""
    SIGNED = "sha256"
    """Plain bytes with a SHA-256 in hex; compare at the end, store nothing on mismatch."""
    STREAMING_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    STREAMING_SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
    STREAMING_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

    @property
    def chunked(self) -> bool:
        """Whether the body is in aws-chunked framing."""
        return self.value.startswith("STREAMING-")

    @property
    def trailing(self) -> bool:
        return self.value.endswith("-TRAILER")


@dataclass(frozen=True, slots=True)
class PayloadAuthentication:
    """`sha256_hex` is set for SIGNED; `signer` for the two signed streaming kinds (one use: it rolls on)."""

    kind: PayloadKind
    sha256_hex: str = ""
    signer: ChunkSigner | None = field(default=None, repr=False)


UNSIGNED = PayloadAuthentication(PayloadKind.UNSIGNED)
UNSIGNED_TRAILER = PayloadAuthentication(PayloadKind.STREAMING_UNSIGNED_TRAILER)
EMPTY = PayloadAuthentication(PayloadKind.SIGNED, EMPTY_SHA256)
