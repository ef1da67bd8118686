"""The regional schema, one file a subject. Rows are written by the SQL of `dataplane.metadata` only."""

from __future__ import annotations

from dataplane.metadata.models.blob import BlobRow
from dataplane.metadata.models.bucket_state import BucketStateRow, BucketUsageRow
from dataplane.metadata.models.journal import JournalCursorRow, JournalRow
from dataplane.metadata.models.object_version import ObjectVersionRow, VersionPartRow
from dataplane.metadata.models.queue import LeaseRow, TaskRow
from dataplane.metadata.models.upload import UploadPartRow, UploadRow

__all__ = [
    "BlobRow",
    "BucketStateRow",
    "BucketUsageRow",
    "JournalCursorRow",
    "JournalRow",
    "LeaseRow",
    "ObjectVersionRow",
    "TaskRow",
    "UploadPartRow",
    "UploadRow",
    "VersionPartRow",
]
