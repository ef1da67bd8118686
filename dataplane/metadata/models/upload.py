"""Multipart uploads in progress, their parts, and for a while what the finished ones became."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dataplane.metadata.models.attributes import AttributeColumns, ChecksumColumns
from dataplane.metadata.models.fields import ClockTimestamp, KeyField


class UploadRow(AttributeColumns):
    """`completed` is set together with the result when the upload became a version: a repeated completion reads it."""

    id = models.BigAutoField(primary_key=True)
    bucket_id = models.BigIntegerField()
    created = models.DateTimeField(db_default=ClockTimestamp())
    completed = models.DateTimeField(null=True)
    key = KeyField()
    upload_id = KeyField()
    """Begins with the time of creation, so its order is the order of uploads of one key."""
    checksum_algorithm = models.TextField(null=True)
    checksum_type = models.TextField(null=True)
    result_version_id = models.TextField(null=True)
    """NULL also where the bucket never had versioning."""
    result_etag = models.TextField(null=True)

    class Meta:
        db_table = "upload"
        constraints = [
            models.UniqueConstraint(
                fields=["bucket_id", "key", "upload_id"], condition=Q(completed=None), name="upload_open"
            ),
            models.UniqueConstraint(fields=["upload_id"], name="upload_by_id"),
        ]
        indexes = [models.Index(fields=["completed"], condition=~Q(completed=None), name="upload_completed")]


class UploadPartRow(ChecksumColumns):
    pk = models.CompositePrimaryKey("upload_row_id", "number")
    upload_row_id = models.BigIntegerField()
    size = models.BigIntegerField()
    created = models.DateTimeField(db_default=ClockTimestamp())
    blob_id = models.UUIDField()
    number = models.SmallIntegerField()
    etag = models.TextField()

    class Meta:
        db_table = "upload_part"
