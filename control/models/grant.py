"""One right of an app: an action on a resource, as `dataplane.contracts.Grant` describes."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from control.models.app import App


class Grant(models.Model):
    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="grants")
    action = models.CharField(max_length=64)
    resource = models.CharField(max_length=1100)
    """A bucket name (63) and a key (1,024) at most, or a prefix of that with a trailing `*`."""
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["app", "action", "resource"]
        constraints = [
            models.UniqueConstraint(fields=["app", "action", "resource"], name="grant_app_action_resource_unique")
        ]

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}"
