"""What the global database still owes a regional one: written with the change that causes it, removed when it is done.

A row left behind by a crash is worked off by `control.services.outbox.drain`.
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from control.models.bucket import Bucket


class OutboxKind(models.TextChoices):
    ENSURE_BUCKET = "ensure_bucket", "Make the bucket's regional state"
    RETIRE_BUCKET = "retire_bucket", "Delete the bucket if it is empty"


class OutboxEntry(models.Model):
    kind = models.CharField(max_length=32, choices=OutboxKind.choices)
    bucket = models.ForeignKey(Bucket, on_delete=models.CASCADE, related_name="outbox_entries")
    actor = models.CharField(max_length=255)
    reason = models.CharField(max_length=1000, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=1000, blank=True)
    available_at = models.DateTimeField()
    """Not touched by the drain before: the request that wrote the row finishes it itself, as a rule."""
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "outbox entries"
        constraints = [models.CheckConstraint(condition=models.Q(kind__in=OutboxKind.values), name="outbox_kind_known")]
        indexes = [models.Index(fields=["available_at"], name="outbox_available_at_index")]

    def __str__(self) -> str:
        return f"{self.kind} {self.bucket_id}"
