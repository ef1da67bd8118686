"""What the regional database holds of a bucket: the part no cache may get wrong."""

from __future__ import annotations

from django.db import models

from dataplane.contracts import Versioning
from dataplane.metadata.models.fields import ClockTimestamp


class BucketStateRow(models.Model):
    """Locked FOR KEY SHARE by every statement that commits, FOR UPDATE by what changes it.

    A retired bucket keeps its row (`deleted`) for ever: ids are not used again, and a late writer finds the reason.
    """

    bucket_id = models.BigIntegerField(primary_key=True)
    epoch = models.BigIntegerField(db_default=0)
    quota_bytes = models.BigIntegerField(null=True)
    created = models.DateTimeField(db_default=ClockTimestamp())
    versioning = models.SmallIntegerField(db_default=int(Versioning.UNVERSIONED))
    object_lock = models.BooleanField(db_default=False)
    deleted = models.BooleanField(db_default=False)

    class Meta:
        db_table = "bucket_state"


class BucketUsageRow(models.Model):
    """Versions and bytes of a bucket as of the journal position in `journal_cursor` named `usage`."""

    bucket_id = models.BigIntegerField(primary_key=True)
    versions = models.BigIntegerField(db_default=0)
    bytes = models.BigIntegerField(db_default=0)
    updated = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "bucket_usage"
