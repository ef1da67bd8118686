"""Lanes: the worker threads of one drive. What blocks on a drive blocks its lane, never the loop or another drive.

A lane takes a bounded number of jobs, and a caller waits for a bounded time: a drive that hangs turns into
failures. A job that was begun runs to its end, whatever became of its caller.
Must not know: what the jobs do.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from dataplane.transport.base import StoreFailed

Result = TypeVar("Result")


class Lane:
    """Two pools, so that a read does not queue behind the syncs of writers."""

    def __init__(
        self, name: str, *, read_threads: int, write_threads: int, max_waiting_jobs: int, timeout_seconds: float
    ) -> None:
        self.name = name
        self._read = ThreadPoolExecutor(read_threads, thread_name_prefix=f"{name}-read")
        self._write = ThreadPoolExecutor(write_threads, thread_name_prefix=f"{name}-write")
        self._timeout_seconds = timeout_seconds
        self._room = threading.Semaphore(max_waiting_jobs)

    async def read(self, job: Callable[[], Result]) -> Result:
        """Runs `job` in a thread. Raises `StoreFailed` where the lane is full or too slow."""
        return await self._run(self._read, job)

    async def write(self, job: Callable[[], Result]) -> Result:
        return await self._run(self._write, job)

    def later(self, job: Callable[[], object]) -> None:
        """Runs a short clean-up job some time, in a writing thread, past the bound: it frees what others hold.

        A closed lane does not: what is left over expires from the spool.
        """
        with contextlib.suppress(RuntimeError):
            self._write.submit(job)

    def close(self) -> None:
        """Waits for what was begun."""
        self._read.shutdown(wait=True)
        self._write.shutdown(wait=True)

    async def _run(self, pool: ThreadPoolExecutor, job: Callable[[], Result]) -> Result:
        if not self._room.acquire(blocking=False):
            raise StoreFailed(f"the drive of {self.name} has too many operations waiting")
        future = pool.submit(job)
        future.add_done_callback(self._leave)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise StoreFailed(f"the drive of {self.name} did not answer in {self._timeout_seconds} s") from None

    def _leave(self, _future: Future[Result]) -> None:
        self._room.release()
