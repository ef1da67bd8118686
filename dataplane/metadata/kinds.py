"""Numbers and names that rows carry: kinds of journal events and of tasks. Stored: never renumber or rename."""

from __future__ import annotations

import enum


class JournalKind(enum.IntEnum):
    """What happened to a key."""

    PUT = 1
    COMPLETE_UPLOAD = 2
    DELETE = 3
    """A version (or marker) is gone."""
    DELETE_MARKER = 4
    TAGS = 5


class TaskKind(enum.StrEnum):
    """Tasks that the regional schema's own transactions enqueue."""

    DELETE_OBJECT = "DeleteObject"
    """`{"blob_id": ...}`: nothing refers to the blob any more; remove its shards, then its row."""
    REPAIR_BLOB = "RepairBlob"
    """`{"blob_id": ..., "shards": [...]}`: these shards were not durable when the write was acknowledged."""
