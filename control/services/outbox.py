"""Works off what crashed requests left in the outbox. A reconciler: idempotent, wakes by period, bounded a round."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from control.models import OutboxEntry, OutboxKind
from control.services import bucket_phases
from control.services.bucket_phases import RegionalSide
from dataplane.errors import OperationAborted

logger = logging.getLogger(__name__)

BATCH_LIMIT = 100
LONGEST_DELAY_SECONDS = 300
CLAIM = timedelta(seconds=60)
"""Another steward leaves a row alone for this long after one has taken it."""


@dataclass(frozen=True, slots=True)
class Drained:
    done: int
    failed: int


def drain(*, regional: RegionalSide, limit: int = BATCH_LIMIT) -> Drained:
    """Finishes up to `limit` due entries of this region. One that fails waits, longer each time, and never gives up:
    the bucket it belongs to would stay half made."""
    done = failed = 0
    for entry in _claimed(regional.region, limit):
        try:
            _finish(entry, regional)
        except Exception as error:
            failed += 1
            _postpone(entry, error)
        else:
            done += 1
    return Drained(done, failed)


def _claimed(region: str, limit: int) -> list[OutboxEntry]:
    with transaction.atomic():
        due = list(
            OutboxEntry.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related("bucket__tenant", "bucket__region")
            .filter(available_at__lte=Now(), bucket__region__name=region)
            .order_by("available_at", "pk")[:limit]
        )
        OutboxEntry.objects.filter(pk__in=[entry.pk for entry in due]).update(available_at=Now() + CLAIM)
    return due


def _finish(entry: OutboxEntry, regional: RegionalSide) -> None:
    if entry.kind == OutboxKind.ENSURE_BUCKET:
        try:
            bucket_phases.make_ready(entry.bucket, regional=regional)
        except OperationAborted:
            return  # deleted meanwhile, and the entry with it
        return
    bucket_phases.finish_delete(entry, regional=regional)


def _postpone(entry: OutboxEntry, error: Exception) -> None:
    attempts = entry.attempts + 1
    delay_seconds = min(2**attempts, LONGEST_DELAY_SECONDS)
    logger.warning(
        "outbox entry failed",
        extra={"entry": entry.pk, "kind": entry.kind, "bucket": entry.bucket.name, "attempts": attempts},
        exc_info=error,
    )
    OutboxEntry.objects.filter(pk=entry.pk).update(
        attempts=attempts,
        last_error=f"{type(error).__name__}: {error}"[:1000],
        available_at=Now() + timedelta(seconds=delay_seconds),
    )
