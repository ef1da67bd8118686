"""A bucket as the whole deployment knows it: who owns the name, and where its objects live.

Versioning, lock and deletion as the data plane must see them are in the region's `bucket_state` row.
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from control.models.region import Region
from control.models.tenant import Tenant


class BucketPhase(models.TextChoices):
    CREATING = "creating", "Creating"
    """The name is claimed; the regional state may not be there yet. Invisible to clients."""
    READY = "ready", "Ready"
    DELETING = "deleting", "Deleting"
    """A deletion was asked for and may yet be refused. Visible: only the region knows whether it is empty."""


class Bucket(models.Model):
    name = models.CharField(max_length=63, db_collation="C")
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="buckets")
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="buckets")
    public_read = models.BooleanField(default=False)
    object_lock = models.BooleanField(default=False, editable=False)
    state = models.CharField(max_length=16, choices=BucketPhase.choices, default=BucketPhase.CREATING, editable=False)
    generation = models.BigIntegerField(default=1, editable=False)
    """Raised by every change of the bucket's configuration."""
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="bucket_name_unique"),
            models.CheckConstraint(condition=models.Q(state__in=BucketPhase.values), name="bucket_state_known"),
        ]
        indexes = [models.Index(fields=["tenant", "name"], name="bucket_tenant_name_index")]

    def __str__(self) -> str:
        return self.name
