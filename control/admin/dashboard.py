"""What the console's first page shows beside the list of resources: how much there is, and what changed last."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse

from control.models import App, AuditEntry, Bucket, Credential, Node, Store, Tenant

LAST_CHANGES = 10


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """django-unfold's DASHBOARD_CALLBACK."""
    capacity = Store.objects.aggregate(total=Sum("capacity_bytes"))["total"] or 0
    context["cards"] = [
        _card("Tenants", Tenant.objects.all(), "tenant"),
        _card("Apps", App.objects.all(), "app"),
        _card("Enabled keys", Credential.objects.filter(enabled=True), "credential"),
        _card("Buckets", Bucket.objects.all(), "bucket"),
        _card("Public buckets", Bucket.objects.filter(public_read=True), "bucket", "?public_read__exact=1"),
        _card("Nodes", Node.objects.all(), "node"),
        _card("Stores", Store.objects.all(), "store"),
        {
            "title": "Raw capacity",
            "value": filesizeformat(capacity) if capacity else "unknown",
            "url": reverse("admin:control_store_changelist"),
        },
    ]
    context["last_changes"] = AuditEntry.objects.all()[:LAST_CHANGES]
    return context


def _card(title: str, rows: QuerySet[Any, Any], model: str, query: str = "") -> dict[str, Any]:
    return {"title": title, "value": rows.count(), "url": reverse(f"admin:control_{model}_changelist") + query}
