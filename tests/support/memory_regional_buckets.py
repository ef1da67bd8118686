"""The regional half of buckets in memory, with faults on request, for tests of the control plane."""

from __future__ import annotations

import threading
from collections.abc import Callable

from dataplane.contracts import Versioning


class MemoryRegionalBuckets:
    """Implements `dataplane.ports.RegionalBuckets`. Safe to use from several threads.

    `before` and `after` are called with the operation's name ("ensure", "retire") around its effect; what they
    raise passes through, so a test can stop the caller on either side of it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.states: dict[int, tuple[Versioning, bool]] = {}
        self.retired: set[int] = set()
        self.occupied: set[int] = set()
        self.calls: list[tuple[str, int]] = []
        self.before: Callable[[str], None] = lambda operation: None
        self.after: Callable[[str], None] = lambda operation: None

    def ensure(self, bucket_id: int, *, versioning: Versioning, object_lock: bool) -> None:
        self.before("ensure")
        with self._lock:
            self.calls.append(("ensure", bucket_id))
            self.states.setdefault(bucket_id, (versioning, object_lock))
        self.after("ensure")

    def retire(self, bucket_id: int) -> bool:
        self.before("retire")
        with self._lock:
            self.calls.append(("retire", bucket_id))
            is_empty = bucket_id not in self.occupied
            if is_empty:
                self.retired.add(bucket_id)
        self.after("retire")
        return is_empty
