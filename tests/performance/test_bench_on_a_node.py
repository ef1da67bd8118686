"""`make bench` runs from start to end against a node: a short round of everything, not for its figures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.node_process import ROOT

SHORT = (
    "--sizes",
    "1k,100k",
    "--clients",
    "1,4",
    "--seconds",
    "0.2",
    "--rounds",
    "1",
    "--listing",
    "40",
    "--stores",
    "3",
)
SCENARIOS = {
    "put 1 KiB", "get 1 KiB", "list 1 KiB", "delete 1 KiB", "put 100 KiB", "get 100 KiB", "delete 100 KiB",
    "list 1,000 of 40 keys", "list 3 prefixes over 40 keys",
}  # fmt: skip


@pytest.mark.slow
def test_every_cell_is_measured_without_errors(tmp_path: Path) -> None:
    output = tmp_path / "result.md"
    finished = subprocess.run(
        [sys.executable, "-m", "tests.performance.bench", *SHORT, "--output", str(output)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    rows = [line.strip("| ").split(" | ") for line in output.read_text().splitlines() if line.startswith("| ")][1:]
    assert {row[0] for row in rows} == SCENARIOS
    assert {row[1] for row in rows} == {"1", "4"}
    for row in rows:
        assert float(row[3].replace(",", "")) > 0, row
        assert row[10] == "0", row
