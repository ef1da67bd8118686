"""The state row of a bucket, for the data plane: reading it and switching versioning."""

from __future__ import annotations

from dataplane.contracts import BucketState, Versioning
from dataplane.errors import InvalidArgument, NoSuchBucket, VersioningImmutable
from dataplane.metadata.pool import Connection, MetadataPool
from dataplane.metadata.tables import BUCKET_STATE, statement

GET_STATE = statement(
    f"""
    SELECT versioning, object_lock, deleted, epoch FROM {BUCKET_STATE} WHERE bucket_id = %(bucket_id)s::bigint
    """
)

# Stronger than an update needs: it waits for every commit that read the old state, and they all hold it FOR KEY SHARE.
HOLD_STATE = statement(
    f"""
    SELECT versioning, object_lock, deleted FROM {BUCKET_STATE} WHERE bucket_id = %(bucket_id)s::bigint FOR UPDATE
    """
)

SET_VERSIONING = statement(
    f"""
    UPDATE {BUCKET_STATE} SET versioning = %(versioning)s::bigint, epoch = epoch + 1
    WHERE bucket_id = %(bucket_id)s::bigint
    """
)


async def bucket_state(pool: MetadataPool, bucket_id: int) -> BucketState | None:
    rows = await pool.read(GET_STATE, {"bucket_id": bucket_id})
    if not rows:
        return None
    versioning, object_lock, deleted, epoch = rows[0]
    return BucketState(bucket_id, Versioning(versioning), object_lock, deleted, epoch)


async def set_versioning(connection: Connection, bucket_id: int, versioning: Versioning) -> None:
    """Inside a transaction."""
    cursor = await connection.execute(HOLD_STATE, {"bucket_id": bucket_id}, binary=True)
    row = await cursor.fetchone()
    if row is None or row[2]:
        raise NoSuchBucket(str(bucket_id))
    now, object_lock = Versioning(row[0]), row[1]
    if now is versioning:
        return
    if versioning is Versioning.UNVERSIONED:
        raise InvalidArgument("versioning", versioning.name, "versioning can be suspended, but not switched off again")
    if object_lock and versioning is not Versioning.ENABLED:
        raise VersioningImmutable(str(bucket_id))
    await connection.execute(SET_VERSIONING, {"bucket_id": bucket_id, "versioning": int(versioning)})
