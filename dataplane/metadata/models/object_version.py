"""Versions of objects, and the parts of those that were uploaded in parts."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dataplane.metadata.models.attributes import AttributeColumns, ChecksumColumns
from dataplane.metadata.models.fields import ClockTimestamp, KeyField


class ObjectVersionRow(AttributeColumns, ChecksumColumns):
    """One version of a key. At most one of `body`, `blob_id` and rows of `version_part` holds its bytes.

    Invariants: a key that has rows has exactly one that `is_current`, and it is the newest. `id` orders the versions of
    a key; so does `created` (a writer raises it above its predecessor's where the clock did not). `version_id` is ""
    for the null version, of which a key has at most one. In a bucket that never had versioning every row is a current
    null version and is overwritten in place; that must change no indexed column, or every overwrite pays for indexes.

    `released_*` are scratch: an upsert copies there what it replaced, so that RETURNING can tell before PostgreSQL 18.
    """

    id = models.BigAutoField(primary_key=True)
    bucket_id = models.BigIntegerField()
    size = models.BigIntegerField(db_default=0)
    created = models.DateTimeField(db_default=ClockTimestamp())
    change = models.BigIntegerField()
    """Id of the journal row of the last change; taken under the row's lock, so it only grows within a key."""
    released_size = models.BigIntegerField(null=True)
    blob_id = models.UUIDField(null=True)
    released_blob_id = models.UUIDField(null=True)
    part_count = models.SmallIntegerField(db_default=0)
    is_current = models.BooleanField(db_default=True)
    delete_marker = models.BooleanField(db_default=False)
    key = KeyField()
    version_id = KeyField(db_default="")
    etag = models.TextField(db_default="")
    encryption_key_id = models.TextField(null=True)
    """Of the inline body; a blob has its own."""
    wrapped_key = models.BinaryField(null=True)
    body = models.BinaryField(null=True)

    class Meta:
        db_table = "object_version"
        indexes = [
            # The versions listing reads these and the current rows as two ordered streams.
            models.Index(
                "bucket_id",
                "key",
                models.F("id").desc(),
                condition=Q(is_current=False),
                name="object_version_noncurrent",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["bucket_id", "key"], condition=Q(is_current=True), name="object_version_current"
            ),
            # A current null version needs no entry here: the constraint above finds it and keeps it single.
            models.UniqueConstraint(
                fields=["bucket_id", "key", "version_id"],
                condition=~Q(version_id="") | Q(is_current=False),
                name="object_version_by_id",
            ),
        ]


class VersionPartRow(ChecksumColumns):
    """One part of a finished multipart object, in the order of `number`."""

    pk = models.CompositePrimaryKey("version_row_id", "number")
    version_row_id = models.BigIntegerField()
    size = models.BigIntegerField()
    created = models.DateTimeField(db_default=ClockTimestamp())
    blob_id = models.UUIDField()
    number = models.SmallIntegerField()
    etag = models.TextField()

    class Meta:
        db_table = "version_part"
