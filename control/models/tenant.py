"""A tenant: the boundary of isolation. It owns apps and buckets and has no credential of its own."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

DEFAULT_BUCKET_LIMIT = 10_000
"""The quota of an AWS account today; keeps one tenant's listing and creation within reason."""


class Tenant(models.Model):
    name = models.CharField(max_length=63, db_collation="C")
    enabled = models.BooleanField(default=True)
    """False: none of its credentials is valid; its buckets stay as they are."""
    bucket_limit = models.PositiveIntegerField(default=DEFAULT_BUCKET_LIMIT)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["name"], name="tenant_name_unique")]

    def __str__(self) -> str:
        return self.name
