"""Failpoints: silent unless armed, and never armed under a name that does not exist."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from dataplane import failpoints


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.disarm_all()


def test_an_unarmed_place_does_nothing() -> None:
    for name in failpoints.FAILPOINTS:
        failpoints.hit(name)


def test_an_armed_place_fails_inside_the_block_only() -> None:
    with failpoints.armed("shards.synced", failpoints.failing(errno.EIO)):
        failpoints.hit("shards.renamed")
        with pytest.raises(OSError, match="Input/output"):
            failpoints.hit("shards.synced")
    failpoints.hit("shards.synced")


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"no failpoint 'shards\.misspelt'"):
        failpoints.arm("shards.misspelt", lambda: None)


def test_the_nth_hit_only() -> None:
    names = failpoints.arm_from({"ANVIL_FAILPOINTS": "shards.read=error:28@2; shards.synced=error:5"})
    assert names == ["shards.read", "shards.synced"]
    failpoints.hit("shards.read")
    with pytest.raises(OSError, match="No space"):
        failpoints.hit("shards.read")
    failpoints.hit("shards.read")


def test_nothing_is_armed_without_the_variable() -> None:
    assert failpoints.arm_from({}) == []


@pytest.mark.parametrize("text", ["shards.read=", "shards.read=explode", "shards.read=error:x", "shards.read=kill@0"])
def test_malformed_actions_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ANVIL_FAILPOINTS"):
        failpoints.arm_from({"ANVIL_FAILPOINTS": text})


def test_kill_is_sigkill() -> None:
    code = (
        "import os; from dataplane import failpoints; failpoints.arm_from(os.environ); failpoints.hit('shards.synced')"
    )
    environment = {**os.environ, "ANVIL_FAILPOINTS": "shards.synced=kill"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == -signal.SIGKILL
