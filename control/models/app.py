"""An app: a program or person of a tenant. Holds credentials (keys) and grants (rights)."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from control.models.tenant import Tenant


class App(models.Model):
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="apps")
    name = models.CharField(max_length=63, db_collation="C")
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["tenant", "name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="app_tenant_name_unique")]
        indexes = [models.Index(fields=["name"], name="app_name_index")]

    def __str__(self) -> str:
        return f"{self.tenant.name}/{self.name}"
