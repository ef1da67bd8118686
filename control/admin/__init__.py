"""The admin console: shows rows, and changes them through `control.services` only."""

from __future__ import annotations

from django.contrib import admin

from control.admin import apps, audit, buckets, tenants, topology, users

__all__ = ["apps", "audit", "buckets", "tenants", "topology", "users"]

admin.site.index_template = "control/admin/index.html"
