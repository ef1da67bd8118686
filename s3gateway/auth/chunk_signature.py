"""Rolling signatures of aws-chunked bodies: each chunk's signature covers the one before it. Pure.

Source: "Signature calculations for the authorization header: transferring payload in multiple chunks" and its page
on trailing headers, AWS S3 API reference. Must not know: framing (see `s3gateway/body/aws_chunked.py`).
"""

from __future__ import annotations

import hashlib
import hmac

_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest().encode()


class ChunkSigner:
    """Verifies the chunks of one body in order, then its trailer.

    `previous` is the signature (lower-case hex) of the request, then of each verified chunk.
    """

    __slots__ = ("_chunk_prefix", "_key", "_trailer_prefix", "previous")

    def __init__(self, signing_key: bytes, amz_date: str, scope: str, seed_signature: str) -> None:
        """`scope` is `20130524/us-east-1/s3/aws4_request`; `amz_date` as signed, e.g. `20130524T000000Z`."""
        tail = f"\n{amz_date}\n{scope}\n".encode()
        self._key = signing_key
        self._chunk_prefix = b"AWS4-HMAC-SHA256-PAYLOAD" + tail
        self._trailer_prefix = b"AWS4-HMAC-SHA256-TRAILER" + tail
        self.previous = seed_signature.encode()

    def verify_chunk(self, sha256_hex: str, signature: bytes) -> bool:
        """`sha256_hex` is of the chunk's plain data; the empty last chunk has one too. Rolls on only if it holds."""
        text = b"%s%s\n%s\n%s" % (self._chunk_prefix, self.previous, _EMPTY_SHA256, sha256_hex.encode())
        return self._advance(text, signature)

    def verify_trailer(self, canonical_trailer: bytes, signature: bytes) -> bool:
        """`canonical_trailer`: each trailing header as `name:value\\n`, lower-case name, trimmed value, wire order."""
        text = b"%s%s\n%s" % (
            self._trailer_prefix,
            self.previous,
            hashlib.sha256(canonical_trailer).hexdigest().encode(),
        )
        return self._advance(text, signature)

    def _advance(self, string_to_sign: bytes, signature: bytes) -> bool:
        expected = hmac.digest(self._key, string_to_sign, "sha256").hex().encode()
        if not hmac.compare_digest(expected, signature):
            return False
        self.previous = expected
        return True
