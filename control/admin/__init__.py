"""The admin console: shows rows, and changes them through `control.services` only."""

from __future__ import annotations

from control.admin import apps, audit, buckets, tenants, topology, users

__all__ = ["apps", "audit", "buckets", "tenants", "topology", "users"]
