"""Writes the audit trail. Called inside the transaction of the change it tells of; holds no secret, ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models, transaction

from control.models import AuditEntry
from control.services.origin import Origin


def snapshot(row: models.Model, *fields: str) -> dict[str, Any]:
    """The named fields of a row as JSON values. The caller names them, so that no secret slips in."""
    return {field: getattr(row, field) for field in fields}


def record(
    origin: Origin,
    action: str,
    target: str,
    *,
    tenant: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError(f"audit of {action} outside the transaction of its change")
    AuditEntry.objects.create(
        actor=origin.actor[:255],
        action=action,
        target=target,
        tenant=tenant,
        reason=origin.reason,
        request_id=origin.request_id[:64],
        before=before,
        after=after,
    )
