"""Blobs: immutable runs of bytes in shards, shared by the versions and parts that refer to them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dataplane.metadata.models.fields import ClockTimestamp, SmallIntegerArrayField


class BlobRow(models.Model):
    """`refs` counts rows of object_version, version_part and upload_part. At 0 the blob is dying: a DeleteObject task
    removes its shards, then the row; nothing can refer to it again. `stores[i]` is the store number of shard i."""

    id = models.UUIDField(primary_key=True)
    size = models.BigIntegerField()
    created = models.DateTimeField(db_default=ClockTimestamp())
    segment_bytes = models.IntegerField()
    refs = models.IntegerField(db_default=1)
    k = models.SmallIntegerField()
    m = models.SmallIntegerField()
    stores = SmallIntegerArrayField()
    encryption_key_id = models.TextField(null=True)
    wrapped_key = models.BinaryField(null=True)
    content_hash = models.BinaryField(null=True)
    """BLAKE3 of the plain bytes."""

    class Meta:
        db_table = "blob"
        constraints = [models.CheckConstraint(condition=Q(refs__gte=0), name="blob_refs_not_negative")]
