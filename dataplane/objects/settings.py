"""Bounds of the engine's facade, as the options give them. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ObjectSettings:
    inline_bytes: int = 64 << 10
    """Up to this size a body lives in its version row (INLINE_OBJECT_BYTES); 0 keeps empty ones only."""
    encrypt_at_rest: bool = True
    digest_threads: int = 4
    """For MD5 and SHA of all writers of the process together."""
    content_hash: bool = True
    """Whether a blob's row keeps the BLAKE3 of its bytes."""
    min_part_bytes: int = 5 << 20
    """S3's: every part of an upload but the last."""
    max_parts: int = 10_000
    max_object_bytes: int = 5 << 40
