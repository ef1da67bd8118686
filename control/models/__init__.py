"""The global schema, one file a resource. Rows are written by `control.services` only."""

from __future__ import annotations

from control.models.admin_user import AdminUser, Role
from control.models.app import App
from control.models.audit import AuditEntry
from control.models.bucket import Bucket, BucketPhase
from control.models.cell import Cell
from control.models.credential import Credential
from control.models.grant import Grant
from control.models.lease import Lease
from control.models.node import Node
from control.models.outbox import OutboxEntry, OutboxKind
from control.models.region import Region
from control.models.store import Store
from control.models.task import Task
from control.models.tenant import Tenant

__all__ = [
    "AdminUser",
    "App",
    "AuditEntry",
    "Bucket",
    "BucketPhase",
    "Cell",
    "Credential",
    "Grant",
    "Lease",
    "Node",
    "OutboxEntry",
    "OutboxKind",
    "Region",
    "Role",
    "Store",
    "Task",
    "Tenant",
]
