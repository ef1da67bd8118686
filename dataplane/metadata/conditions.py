"""Whether the conditions of a write hold against the version that is there. Pure."""

from __future__ import annotations

from datetime import datetime

from dataplane.contracts import WriteConditions
from dataplane.errors import NoSuchKey, PreconditionFailed

ANY_ETAG = "*"


def require_for_write(
    conditions: WriteConditions, key: str, *, exists: bool, etag: str, created: datetime | None, size: int
) -> None:
    """Raises PreconditionFailed, or NoSuchKey where If-Match meets nothing. A delete marker is nothing."""
    if not exists:
        if conditions.if_match is not None:
            raise NoSuchKey(key)
        return
    if conditions.if_none_match or conditions.if_none_match_etag == etag:
        raise PreconditionFailed("If-None-Match")
    require_match(conditions, etag=etag, created=created, size=size)


def require_match(conditions: WriteConditions, *, etag: str, created: datetime | None, size: int) -> None:
    """The conditions that compare with what is there."""
    if conditions.if_match is not None and conditions.if_match not in (ANY_ETAG, etag):
        raise PreconditionFailed("If-Match")
    expected = conditions.if_match_last_modified
    # The caller knows whole seconds: more is never sent over HTTP.
    if expected is not None and (created is None or created.replace(microsecond=0) != expected.replace(microsecond=0)):
        raise PreconditionFailed("x-amz-if-match-last-modified-time")
    if conditions.if_match_size is not None and conditions.if_match_size != size:
        raise PreconditionFailed("x-amz-if-match-size")
