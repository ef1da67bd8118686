"""The regional half of a bucket's life, for the control plane: synchronous, over Django's connection.

Implements `dataplane.ports.RegionalBuckets`. Must not know tenants, names or the global database.
"""

from __future__ import annotations

from django.db import OperationalError, connections, transaction

from dataplane.contracts import Versioning
from dataplane.errors import MetadataUnavailable, OperationAborted
from dataplane.metadata.release import give_back
from dataplane.metadata.tables import BUCKET_STATE, OBJECT_VERSION, UPLOAD, UPLOAD_PART, statement

LOCK_TIMEOUT = "5s"
"""How long a retirement waits for the commits that are under way; each takes milliseconds."""

ENSURE = statement(
    f"""
    INSERT INTO {BUCKET_STATE} (bucket_id, versioning, object_lock, deleted)
    VALUES (%(bucket_id)s, %(versioning)s, %(object_lock)s, false)
    ON CONFLICT (bucket_id) DO NOTHING
    """
)

LOCK = statement(f"SELECT deleted FROM {BUCKET_STATE} WHERE bucket_id = %(bucket_id)s FOR UPDATE")

IS_EMPTY = statement(
    f"""
    SELECT NOT (
        EXISTS (SELECT FROM {OBJECT_VERSION} WHERE bucket_id = %(bucket_id)s AND is_current)
        OR EXISTS (SELECT FROM {OBJECT_VERSION} WHERE bucket_id = %(bucket_id)s AND NOT is_current)
    )
    """
)

RETIRE = statement(
    f"""
    INSERT INTO {BUCKET_STATE} AS s (bucket_id, deleted) VALUES (%(bucket_id)s, true)
    ON CONFLICT (bucket_id) DO UPDATE SET deleted = true, epoch = s.epoch + 1
    """
)

# Uploads in progress do not keep a bucket alive (as on AWS and Ceph): they end with it. Their rows are locked first, by
# a statement of its own: a part that is just being put is waited for, and seen.
HOLD_UPLOADS = statement(
    f"SELECT id FROM {UPLOAD} WHERE bucket_id = %(bucket_id)s AND completed IS NULL ORDER BY id FOR UPDATE"
)

ABORT_UPLOADS = statement(
    f"""
    WITH ended AS (DELETE FROM {UPLOAD} WHERE bucket_id = %(bucket_id)s AND completed IS NULL RETURNING id)
    , gone AS (DELETE FROM {UPLOAD_PART} WHERE upload_row_id IN (SELECT id FROM ended) RETURNING blob_id)
    {give_back("gone")}
    SELECT count(*) FROM ended
    """
)

_LOCK_NOT_AVAILABLE = "55P03"


class RegionalBucketStates:
    """Every call is a transaction of its own on the database behind `alias`."""

    def __init__(self, alias: str = "regional") -> None:
        self._alias = alias

    def ensure(self, bucket_id: int, *, versioning: Versioning, object_lock: bool) -> None:
        """Makes the state row if it is not there; one that is there keeps what it says."""
        parameters = {"bucket_id": bucket_id, "versioning": int(versioning), "object_lock": object_lock}
        try:
            with connections[self._alias].cursor() as cursor:
                cursor.execute(ENSURE.decode(), parameters)
        except OperationalError as error:
            raise MetadataUnavailable(str(error)) from error

    def retire(self, bucket_id: int) -> bool:
        """Marks the bucket deleted if it has no version and no marker; False where it has. Its uploads are aborted.

        Race-free: every commit holds the state row FOR KEY SHARE. Those under way are waited for, and later ones
        wait for this transaction and then read `deleted`. The look inside is a statement of its own, after the lock:
        only then does its snapshot hold all that was committed before.
        """
        parameters = {"bucket_id": bucket_id}
        try:
            with transaction.atomic(using=self._alias), connections[self._alias].cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; SET LOCAL enable_seqscan = off")
                cursor.execute(LOCK.decode(), parameters)
                state = cursor.fetchone()
                if state is not None and state[0]:
                    return True
                cursor.execute(IS_EMPTY.decode(), parameters)
                row = cursor.fetchone()
                if row is None or not row[0]:
                    return False
                cursor.execute(HOLD_UPLOADS.decode(), parameters)
                cursor.execute(ABORT_UPLOADS.decode(), parameters)
                cursor.execute(RETIRE.decode(), parameters)
                return True
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
                raise OperationAborted(f"bucket {bucket_id}") from error
            raise MetadataUnavailable(str(error)) from error
