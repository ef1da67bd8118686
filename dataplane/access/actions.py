"""The names of the rights that grants speak of. Pure."""

from __future__ import annotations

BUCKET_CREATE = "bucket:create"
BUCKET_DELETE = "bucket:delete"
BUCKET_READ = "bucket:read"
BUCKET_WRITE = "bucket:write"
BUCKET_LIST = "bucket:list"
OBJECT_READ = "object:read"
OBJECT_WRITE = "object:write"
OBJECT_DELETE = "object:delete"
OBJECT_LIST = "object:list"
POLICY_GRANT = "policy:grant"
POLICY_REVOKE = "policy:revoke"

ACTIONS = frozenset(
    {
        BUCKET_CREATE,
        BUCKET_DELETE,
        BUCKET_READ,
        BUCKET_WRITE,
        BUCKET_LIST,
        OBJECT_READ,
        OBJECT_WRITE,
        OBJECT_DELETE,
        OBJECT_LIST,
        POLICY_GRANT,
        POLICY_REVOKE,
    }
)
"""Every single action."""

FAMILIES = frozenset(f"{action.partition(':')[0]}:*" for action in ACTIONS)
"""`bucket:*`, `object:*`, `policy:*`: all actions of a family."""

EVERYTHING = "*"
"""As an action: all of them. As a resource: all of a tenant's, and the resource of ListBuckets."""
