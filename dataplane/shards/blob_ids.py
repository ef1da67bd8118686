"""Blob ids: UUIDs of version 7 (RFC 9562), ordered by time, so that what is written together lies together.

Must not know: what a blob is.
"""

from __future__ import annotations

import os
import time
from uuid import UUID

_RANDOM_BYTES = 10


def new_blob_id() -> UUID:
    """48 bits of Unix milliseconds, then 74 random bits: unique without asking anyone."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(_RANDOM_BYTES), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return UUID(int=value)
