"""What the engine answers to a write. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dataplane.contracts import Checksum


@dataclass(frozen=True, slots=True)
class PutResult:
    etag: str
    """Without quotes."""
    version_id: str | None
    """None in a bucket that never had versioning; "" is the null version."""
    checksum: Checksum | None
    size: int
    last_modified: datetime
