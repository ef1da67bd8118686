"""The columns that an upload announces and a version keeps. Absent is NULL, not empty: rows stay small."""

from __future__ import annotations

from django.db import models


class AttributeColumns(models.Model):
    retain_until = models.DateTimeField(null=True)
    legal_hold = models.BooleanField(db_default=False)
    content_type = models.TextField(null=True)
    headers = models.JSONField(null=True)
    """The other content headers by their name in `ObjectHeaders`."""
    user_metadata = models.JSONField(null=True)
    tags = models.JSONField(null=True)
    storage_class = models.TextField(null=True)
    """NULL is STANDARD."""
    owner = models.TextField(null=True)
    lock_mode = models.TextField(null=True)

    class Meta:
        abstract = True


class ChecksumColumns(models.Model):
    """An additional checksum; all three NULL where there is none. `checksum_type` NULL is FULL_OBJECT."""

    checksum_algorithm = models.TextField(null=True)
    checksum_value = models.TextField(null=True)
    checksum_type = models.TextField(null=True)

    class Meta:
        abstract = True
