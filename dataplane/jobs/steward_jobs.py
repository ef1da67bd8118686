"""What the steward of a node does in the background: the one list of its tasks and periodic jobs.

Must not know: options, processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dataplane.jobs.delete_object import GRACE_SECONDS, DeleteObject
from dataplane.jobs.expire_spool import ExpireSpool
from dataplane.jobs.forget_uploads import FinishedUploads, ForgetUploads
from dataplane.jobs.measure_stores import MeasureStores
from dataplane.objects.metadata_port import ReleasedBlobs
from dataplane.tasks.registry import PeriodicJob, Registry
from dataplane.transport.local import LocalTransport


def steward_tasks(
    metadata: ReleasedBlobs, transport: LocalTransport, *, delete_grace_seconds: float = GRACE_SECONDS
) -> Registry:
    """The task kinds that this node works off."""
    return Registry([DeleteObject(metadata, transport, grace_seconds=delete_grace_seconds).task_kind()])


def steward_periodic(
    metadata: FinishedUploads, transport: LocalTransport, store_paths: Sequence[Path]
) -> list[PeriodicJob]:
    """What this node does by the clock."""
    return [
        ExpireSpool(store_paths).periodic_job(),
        MeasureStores(transport.spaces).periodic_job(),
        ForgetUploads(metadata).periodic_job(),
    ]
