"""A cell: a failure domain within a region (a rack, a zone). Nodes of one cell are expected to fail together."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from control.models.region import Region


class Cell(models.Model):
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="cells")
    name = models.CharField(max_length=63, db_collation="C")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["region", "name"]
        constraints = [models.UniqueConstraint(fields=["region", "name"], name="cell_region_name_unique")]

    def __str__(self) -> str:
        return f"{self.region.name}/{self.name}"
