"""The single yes or no. Pure: everything it needs is handed in.

Today: grants of the caller's app inside its tenant, and public read. Bucket policies, ACLs, the public access block
and relation tuples join here and nowhere else.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from dataplane.access.actions import OBJECT_READ
from dataplane.access.grants import covers_action, matches, reaches_below
from dataplane.contracts import BucketRecord, Principal


class Reason(enum.Enum):
    """Why, for logs and audit; never sent to the caller, who could learn from it."""

    GRANTED = "a grant of the app"
    PUBLIC_READ = "the bucket is public"
    ANONYMOUS = "anonymous callers may only read public buckets"
    FOREIGN_TENANT = "the bucket belongs to another tenant"
    NO_GRANT = "no grant of the app covers this"


@dataclass(frozen=True, slots=True)
class Decision:
    allowed: bool
    reason: Reason


_GRANTED = Decision(True, Reason.GRANTED)
_PUBLIC_READ = Decision(True, Reason.PUBLIC_READ)
_ANONYMOUS = Decision(False, Reason.ANONYMOUS)
_FOREIGN_TENANT = Decision(False, Reason.FOREIGN_TENANT)
_NO_GRANT = Decision(False, Reason.NO_GRANT)


def decide(principal: Principal | None, action: str, resource: str, bucket: BucketRecord | None) -> Decision:
    """May `principal` (None: anonymous) do `action` to `resource`: `*`, a bucket's name or `bucket/key`?

    `bucket` is the bucket that `resource` lies in, None where there is none (yet): ListBuckets, CreateBucket.
    """
    if principal is None:
        refusal = _ANONYMOUS
    elif bucket is not None and bucket.tenant_id != principal.tenant_id:
        refusal = _FOREIGN_TENANT
    else:
        for grant in principal.grants:
            if matches(grant, action, resource):
                return _GRANTED
        refusal = _NO_GRANT
    if bucket is not None and bucket.public_read and action == OBJECT_READ:
        return _PUBLIC_READ
    return refusal


def decide_below(principal: Principal | None, action: str, bucket: BucketRecord) -> Decision:
    """May `principal` do `action` to any key of `bucket` at all? For requests that name their keys in the body."""
    if principal is None:
        refusal = _ANONYMOUS
    elif bucket.tenant_id != principal.tenant_id:
        refusal = _FOREIGN_TENANT
    else:
        below = f"{bucket.name}/"
        for grant in principal.grants:
            if covers_action(grant.action, action) and reaches_below(grant.resource, below):
                return _GRANTED
        refusal = _NO_GRANT
    if bucket.public_read and action == OBJECT_READ:
        return _PUBLIC_READ
    return refusal
