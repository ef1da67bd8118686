"""Named places where a test may make the process fail. A place that is not armed costs one dictionary test.

Every name is in `FAILPOINTS`; arming another one is an error, so a renamed place cannot leave a test that
proves nothing. Armed in tests by `armed(...)`, in a child process by `arm_from(environ)`:

    ANVIL_FAILPOINTS="objects.put.before_commit=kill@2;shards.synced=error:28"

`kill` is SIGKILL to the own process, `error:<errno>` raises that OSError; `@n` means the n-th hit only.
Must not know: what the places mean.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

ENVIRONMENT_NAME = "ANVIL_FAILPOINTS"

FAILPOINTS: Mapping[str, str] = {
    "shards.opened": "a shard's temporary file exists, nothing is written",
    "shards.appended": "a frame was written, nothing is synced",
    "shards.synced": "a shard's bytes are durable under the temporary name",
    "shards.renamed": "a shard has its final name, its directory is not synced",
    "shards.published": "a shard is durable under its final name",
    "shards.read": "a shard is about to be read",
    "shards.delete": "a shard is about to be deleted",
    "objects.before_commit": "the body is durable at quorum, the metadata is not committed",
    "objects.after_commit": "the metadata is committed, the caller was not told",
    "jobs.shards_removed": "the shards of a released blob are gone, its row is not",
}

_armed: dict[str, Callable[[], None]] = {}


def hit(name: str) -> None:
    """Called by the code at the place `name`."""
    if _armed and name in _armed:
        _armed[name]()


def arm(name: str, action: Callable[[], None]) -> None:
    if name not in FAILPOINTS:
        raise ValueError(f"there is no failpoint {name!r}; there are {', '.join(FAILPOINTS)}")
    _armed[name] = action


def disarm_all() -> None:
    _armed.clear()


@contextmanager
def armed(name: str, action: Callable[[], None]) -> Iterator[None]:
    """Arms one place for the length of a `with` block."""
    arm(name, action)
    try:
        yield
    finally:
        _armed.pop(name, None)


def arm_from(environ: Mapping[str, str]) -> list[str]:
    """Arms what `ANVIL_FAILPOINTS` asks for and returns the names, for the log. Empty without the variable."""
    names = []
    for item in filter(None, environ.get(ENVIRONMENT_NAME, "").split(";")):
        name, _, action = item.partition("=")
        arm(name.strip(), _action_of(action.strip()))
        names.append(name.strip())
    return names


def failing(error_number: int) -> Callable[[], None]:
    """An action that raises the OSError of `error_number`."""

    def action() -> None:
        raise OSError(error_number, os.strerror(error_number))

    return action


def on_hit(number: int, action: Callable[[], None]) -> Callable[[], None]:
    """An action that runs on the `number`-th hit only (from 1)."""
    hits = 0

    def counted() -> None:
        nonlocal hits
        hits += 1
        if hits == number:
            action()

    return counted


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _action_of(text: str) -> Callable[[], None]:
    what, _, nth = text.partition("@")
    kind, _, value = what.partition(":")
    if kind == "kill" and not value:
        action: Callable[[], None] = _kill
    elif kind == "error" and value.isdigit():
        action = failing(int(value))
    else:
        raise ValueError(f"{ENVIRONMENT_NAME}: {text!r} is not an action; use kill or error:<errno>, with @n at will")
    if not nth:
        return action
    if not nth.isdigit() or int(nth) < 1:
        raise ValueError(f"{ENVIRONMENT_NAME}: {nth!r} in {text!r} is not the number of a hit")
    return on_hit(int(nth), action)
