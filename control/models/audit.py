"""The audit trail: one row for every control write, in the transaction of that write. Never updated."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class AuditEntry(models.Model):
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    actor = models.CharField(max_length=255, editable=False)
    """`user:NAME`, `app:TENANT/NAME`, `command:SYSTEM USER` or `node:ID`."""
    action = models.CharField(max_length=64, editable=False)
    """What was done, as noun.verb: `bucket.create`."""
    target = models.CharField(max_length=1200, editable=False)
    """The name of what it was done to, complete enough to find it: `tenant/app`."""
    tenant = models.CharField(max_length=63, blank=True, editable=False)
    """Name of the tenant concerned; a name, because the trail outlives the tenant."""
    reason = models.CharField(max_length=1000, blank=True, editable=False)
    request_id = models.CharField(max_length=64, blank=True, editable=False)
    before = models.JSONField(null=True, editable=False)
    after = models.JSONField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["created_at"], name="audit_created_at_index"),
            models.Index(fields=["action", "-id"], name="audit_action_index"),
            models.Index(fields=["tenant", "-id"], name="audit_tenant_index"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target} by {self.actor}"
