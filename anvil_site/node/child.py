"""One child of the supervisor: started, watched through a pipe until it is ready, restarted with back-off.

Must not know what the child does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

from anvil_site.child_process import before_exec

_FIRST_BACKOFF_SECONDS = 0.1
_LONGEST_BACKOFF_SECONDS = 10.0
_HEALTHY_AFTER_SECONDS = 60.0
"""A child that lived so long starts with the first back-off again."""


class Child:
    """`start()`, then `read_ready()` when `ready_fd` is readable; `exited()` says so once it has ended."""

    def __init__(self, name: str, command: Sequence[str], *, inherited: Sequence[int]) -> None:
        """`command` gets `--name NAME --ready-fd N` appended; `inherited` descriptors stay open in it."""
        self.name = name
        self._command = tuple(command)
        self._inherited = tuple(inherited)
        self._process: subprocess.Popen[bytes] | None = None
        self._backoff_seconds = 0.0
        self._started_at = 0.0
        self.last_pid = 0
        self.ready_fd: int | None = None
        """Readable when the child says that it serves, or has ended. Whoever selects on it takes it out first."""
        self.ready = False
        self.was_ready = False
        """Whether it ever got ready since the node started."""
        self.restart_at: float | None = None
        """Monotonic time at which it is due again; None while it runs."""

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def start(self, environ: Mapping[str, str]) -> None:
        """Call from the main thread: the child dies with the thread that starts it."""
        read_end, write_end = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [*self._command, "--name", self.name, "--ready-fd", str(write_end)],
                stdin=subprocess.DEVNULL,
                env=dict(environ),
                pass_fds=(*self._inherited, write_end),
                start_new_session=True,  # a Ctrl-C in the terminal is for the supervisor, which drains us
                preexec_fn=before_exec(signal.SIGKILL),  # noqa: PLW1509
            )
        except BaseException:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)
        self.last_pid = self._process.pid
        self.ready_fd = read_end
        self.ready = False
        self.restart_at = None
        self._started_at = time.monotonic()

    def read_ready(self) -> None:
        """Takes the child's word, or its end, from the pipe."""
        if self.ready_fd is not None:
            self.ready = os.read(self.ready_fd, 16) == b"ready\n"
            self.was_ready = self.was_ready or self.ready
            self.close_pipe()

    def exited(self) -> int | None:
        """The exit status of a child that has just ended, once; schedules its restart."""
        if self._process is None or (status := self._process.poll()) is None:
            return None
        self._process = None
        self.ready = False
        lived_seconds = time.monotonic() - self._started_at
        if lived_seconds >= _HEALTHY_AFTER_SECONDS:
            self._backoff_seconds = 0.0
        self.restart_at = time.monotonic() + self._backoff_seconds
        self._backoff_seconds = min(max(_FIRST_BACKOFF_SECONDS, self._backoff_seconds * 2), _LONGEST_BACKOFF_SECONDS)
        return status

    def send(self, sign: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(sign)

    def wait(self) -> None:
        if self._process is not None:
            self._process.wait()
            self._process = None

    def close_pipe(self) -> None:
        if self.ready_fd is not None:
            os.close(self.ready_fd)
            self.ready_fd = None
