"""A node that has registered at least once. Whether it is alive is gossip's business, not this row's."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from control.models.cell import Cell
from control.models.region import Region


class Node(models.Model):
    node_id = models.CharField(max_length=64, db_collation="C", editable=False)
    """Base32 of the hash of the node's public key; it never changes."""
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="nodes")
    cell = models.ForeignKey(Cell, on_delete=models.PROTECT, related_name="nodes", null=True, blank=True)
    hostname = models.CharField(max_length=255, blank=True)
    api_address = models.CharField(max_length=255, blank=True)
    """Where clients reach it, as the node says of itself."""
    version = models.CharField(max_length=64, blank=True)
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["region", "node_id"]
        constraints = [models.UniqueConstraint(fields=["node_id"], name="node_node_id_unique")]

    def __str__(self) -> str:
        return self.node_id
