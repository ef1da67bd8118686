"""The audit trail: who changed what, when and why. Read only, newest first."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers, viewsets

from control.api.pagination import NewestFirstPagination
from control.models import AuditEntry


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    class Meta:
        model = AuditEntry
        fields = [
            "id", "created_at", "actor", "action", "target", "tenant", "reason", "request_id", "before", "after",
        ]  # fmt: skip


class AuditEntryViewSet(viewsets.ReadOnlyModelViewSet[AuditEntry]):
    queryset = AuditEntry.objects.all()
    serializer_class = AuditEntrySerializer
    pagination_class = NewestFirstPagination
    filterset_fields: Any = {
        "actor": ["exact"], "action": ["exact", "startswith"], "tenant": ["exact"], "target": ["exact", "startswith"],
        "request_id": ["exact"], "created_at": ["gte", "lt"],
    }  # fmt: skip
