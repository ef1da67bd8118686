"""Directory syncs shared by the threads that publish into the same directory.

A rename is durable when its directory was synced after it. Writers that come while a sync is under way wait
for the next one and share it: one sync serves all that renamed before it began.
Must not know: what the directories hold.
"""

from __future__ import annotations

import os
import threading


class _Turn:
    """Syncs of one directory: how many were started and finished."""

    __slots__ = ("failures", "finished", "running", "started", "users")

    def __init__(self) -> None:
        self.started = 0
        self.finished = 0
        self.running = False
        self.users = 0
        self.failures: dict[int, OSError] = {}


class DirectorySync:
    """Safe to use from any thread. Holds an entry per directory that is being synced, no longer."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._turns: dict[str, _Turn] = {}

    def sync(self, path: str) -> None:
        """Returns when a sync of `path` that began after this call has ended. Raises its OSError."""
        with self._changed:
            turn = self._turns.setdefault(path, _Turn())
            turn.users += 1
            mine = turn.started + 1
        try:
            self._wait_or_run(path, turn, mine)
        finally:
            with self._changed:
                turn.users -= 1
                if turn.users == 0:
                    del self._turns[path]

    def _wait_or_run(self, path: str, turn: _Turn, mine: int) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: turn.finished >= mine or not turn.running)
                if turn.finished >= mine:
                    # A later success proves nothing: the kernel may have dropped what the failed sync held.
                    if mine in turn.failures:
                        raise turn.failures[mine]
                    return
                turn.running = True
                turn.started += 1
                current = turn.started
            failure: OSError | None = None
            try:
                _fsync_directory(path)
            except OSError as error:
                failure = error
            with self._changed:
                turn.running = False
                turn.finished = current
                if failure is not None:
                    turn.failures[current] = failure
                self._changed.notify_all()


def _fsync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
