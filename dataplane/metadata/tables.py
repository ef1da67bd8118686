"""Names of the regional schema for hand-written SQL, taken from the models; and what a statement is.

A statement is a constant of its module: the tests find every `Statement` and prepare it against the migrated schema.
"""

from __future__ import annotations

from django.db import models

from dataplane.metadata.models import (
    BlobRow,
    BucketStateRow,
    BucketUsageRow,
    JournalCursorRow,
    JournalRow,
    LeaseRow,
    ObjectVersionRow,
    TaskRow,
    UploadPartRow,
    UploadRow,
    VersionPartRow,
)


class Statement(bytes):
    """SQL with named placeholders (`%(name)s`), every one of them cast where its type does not follow."""

    __slots__ = ()


def statement(text: str) -> Statement:
    return Statement(text.encode())


def columns(model: type[models.Model], *names: str, prefix: str = "") -> str:
    """The columns of the named fields, comma separated; a name the model does not have is a FieldDoesNotExist."""
    return ", ".join(prefix + column(model, name) for name in names)


def column(model: type[models.Model], name: str) -> str:
    field = model._meta.get_field(name)
    assert isinstance(field, models.Field) and field.column is not None, name
    return field.column


BLOB = BlobRow._meta.db_table
BUCKET_STATE = BucketStateRow._meta.db_table
BUCKET_USAGE = BucketUsageRow._meta.db_table
JOURNAL = JournalRow._meta.db_table
JOURNAL_CURSOR = JournalCursorRow._meta.db_table
JOURNAL_SEQUENCE = f"{JOURNAL}_id_seq"
LEASE = LeaseRow._meta.db_table
OBJECT_VERSION = ObjectVersionRow._meta.db_table
TASK = TaskRow._meta.db_table
UPLOAD = UploadRow._meta.db_table
UPLOAD_PART = UploadPartRow._meta.db_table
VERSION_PART = VersionPartRow._meta.db_table
