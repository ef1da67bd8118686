"""What a gateway is told at its construction. Pure values; the options table fills them.

Limits are AWS's own unless a comment says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB

MAX_KEY_BYTES = 1024


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    region: str = "us-east-1"
    domains: tuple[str, ...] = ()
    """Lower-case domains under which `bucket.domain` is virtual-host addressing (S3_DOMAINS), without ports."""
    region_endpoints: Mapping[str, str] = field(default_factory=dict)
    """Region name -> host[:port] of that region's gateways, for 301 answers."""
    host_id: str = "anvil"
    """Sent as x-amz-id-2 and HostId: tells nodes apart."""
    server_name: str = "Anvil"
    encrypts_at_rest: bool = True
    """Whether the engine seals what it stores (ENCRYPT_AT_REST): only then x-amz-server-side-encryption is answered."""

    clock_skew_seconds: int = 900
    presign_max_seconds: int = 7 * 24 * 3600

    max_parallel_requests: int = 1024
    """A worker's bound; beyond it 503 SlowDown. Each request holds at most a few segments of memory."""
    retry_after_seconds: int = 1
    idle_timeout_seconds: float = 60.0
    """A request body or reply that makes no progress for so long is broken off."""
    work_timeout_seconds: float = 600.0
    """From the last byte of the request to the first of the reply: room for a CopyObject that reads 5 GiB again."""
    drain_before_reply_bytes: int = 1 * MIB
    """An unread request body up to this size is read and dropped, so that the connection stays usable."""
    drain_after_reply_bytes: int = 16 * MIB
    """A longer one is read on for a while after the reply, so that the client sees the reply, then cut off."""
    drain_seconds: float = 5.0

    max_header_bytes: int = 16 * KIB
    """All request header lines together. AWS documents 8 KiB; proxies add their own lines."""
    max_query_parameters: int = 256
    max_user_metadata_bytes: int = 2 * KIB
    max_xml_bytes: int = 2 * MIB
    """Largest document of an operation that names no limit of its own (10,000 parts and 1,000 deletes fit)."""
    max_put_bytes: int = 5 * GIB
    max_object_bytes: int = 5 * TIB
    min_part_bytes: int = 5 * MIB
