"""Task queue and leases, as abstract rows: `metadata` has them for a region's work, `control` for global work."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dataplane.metadata.models.fields import ClockTimestamp


class AbstractTaskRow(models.Model):
    """One piece of work. A finished task has no row.

    `due` is when it may be claimed; a claim moves it to the end of the claimer's lease, so that the work of a dead
    claimer comes back by itself. `attempts` counts claims and is the fencing token of the one that runs.
    """

    id = models.BigAutoField(primary_key=True)
    created = models.DateTimeField(db_default=ClockTimestamp())
    due = models.DateTimeField(db_default=ClockTimestamp())
    attempts = models.IntegerField(db_default=0)
    dead = models.BooleanField(db_default=False)
    kind = models.TextField()
    payload = models.JSONField()
    holder = models.TextField(null=True)
    last_error = models.TextField(null=True)

    class Meta:
        abstract = True
        indexes = [
            models.Index(fields=["kind", "due"], condition=Q(dead=False), name="%(class)s_due"),
            models.Index(fields=["kind"], condition=Q(dead=True), name="%(class)s_dead"),
        ]


class AbstractLeaseRow(models.Model):
    """Who is responsible for `name`. `token` only grows; every write under the lease carries it."""

    name = models.TextField(primary_key=True)
    holder = models.TextField()
    token = models.BigIntegerField()
    expires = models.DateTimeField()
    cursor = models.JSONField(null=True)
    """Where the holder's work stands, for the next one."""

    class Meta:
        abstract = True


class TaskRow(AbstractTaskRow):
    class Meta(AbstractTaskRow.Meta):
        db_table = "task"


class LeaseRow(AbstractLeaseRow):
    class Meta(AbstractLeaseRow.Meta):
        db_table = "lease"
