"""One real node for all conformance tests, and what they make on it."""

from __future__ import annotations

from tests.support.s3_node import bucket, new_bucket, s3, s3_node, versioned

__all__ = ["bucket", "new_bucket", "s3", "s3_node", "versioned"]
