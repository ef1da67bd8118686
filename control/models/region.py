"""A region: one regional database and the nodes that serve it."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Region(models.Model):
    name = models.CharField(max_length=63, db_collation="C")
    next_store_number = models.PositiveIntegerField(default=1, editable=False)
    """Handed to the next store that registers, then raised. A number is never used twice, because blob rows keep it.

    Wider than a number, so that it can stand behind the last one."""
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["name"], name="region_name_unique")]

    def __str__(self) -> str:
        return self.name
