"""The journal: one row for every visible change, appended by the transaction that makes it."""

from __future__ import annotations

from django.db import models

from dataplane.metadata.models.fields import ClockTimestamp, CurrentTransaction, KeyField, TransactionIdField


class JournalRow(models.Model):
    """Read in the order (xid, id), below the oldest running transaction: then no late commit is skipped.

    Within a key `id` only grows (it is taken under the row's lock), so the last event of a key is the one with the
    greatest id even where two writers' transactions were numbered the other way round.
    The table is partitioned by `created`; `id` is unique by its sequence, no index enforces it.
    """

    id = models.BigIntegerField(primary_key=True)
    xid = TransactionIdField(db_default=CurrentTransaction())
    created = models.DateTimeField(db_default=ClockTimestamp())
    bucket_id = models.BigIntegerField()
    size = models.BigIntegerField()
    bytes_delta = models.BigIntegerField()
    """By how much the stored bytes of the bucket grew."""
    versions_delta = models.SmallIntegerField()
    kind = models.SmallIntegerField()
    """A `JournalKind`."""
    key = KeyField()
    version_id = models.TextField()
    etag = models.TextField()

    class Meta:
        db_table = "journal"
        indexes = [models.Index(fields=["xid", "id"], name="journal_order")]


class JournalCursorRow(models.Model):
    """How far a named reader of the journal has come: everything up to and including that position is done."""

    name = models.TextField(primary_key=True)
    position_xid = TransactionIdField()
    position_id = models.BigIntegerField()
    updated = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "journal_cursor"
