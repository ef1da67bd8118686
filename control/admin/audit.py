"""The audit trail, to read."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.utils.html import format_html

from control.admin.base import ConsoleAdmin
from control.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(ConsoleAdmin):
    list_display = ("created_at", "actor", "action", "target", "reason")
    list_filter = ("action",)
    search_fields = ("actor", "target", "request_id")
    readonly_fields = ("created_at", "actor", "action", "target", "tenant", "reason", "request_id", "was", "became")

    @admin.display(description="Before")
    def was(self, entry: AuditEntry) -> str:
        return _pretty(entry.before)

    @admin.display(description="After")
    def became(self, entry: AuditEntry) -> str:
        return _pretty(entry.after)


def _pretty(value: Any) -> str:
    if value is None:
        return "-"
    return format_html('<pre class="whitespace-pre-wrap">{}</pre>', json.dumps(value, indent=2, sort_keys=True))
