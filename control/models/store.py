"""A store: one data path of a node. Its `number` is what blob rows of its region record, for ever."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from control.models.node import Node
from control.models.region import Region


class Store(models.Model):
    store_id = models.CharField(max_length=64, db_collation="C", editable=False)
    """From `store.json` in the data path, so that a drive may move to another node."""
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="stores")
    number = models.PositiveSmallIntegerField(editable=False)
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="stores")
    weight = models.FloatField(default=1.0)
    capacity_bytes = models.BigIntegerField(default=0)
    """Size of the file system at the last registration; 0 where the node did not say."""
    read_only = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["region", "number"]
        constraints = [
            models.UniqueConstraint(fields=["store_id"], name="store_store_id_unique"),
            models.UniqueConstraint(fields=["region", "number"], name="store_region_number_unique"),
            models.CheckConstraint(condition=models.Q(weight__gt=0), name="store_weight_positive"),
            models.CheckConstraint(condition=models.Q(capacity_bytes__gte=0), name="store_capacity_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.number} ({self.store_id})"
