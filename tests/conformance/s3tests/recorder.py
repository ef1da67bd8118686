"""A pytest plugin for a foreign suite: writes one JSON line a test (name, outcome, markers, why it failed).

Loaded with `-p` into the suite's own environment, so it imports nothing but the standard library and pytest.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from typing import Any

import pytest

RECORD_FILE = "S3TESTS_RECORD"
WHY_KEPT = 2000


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    worth_a_line = report.when == "call" or report.outcome != "passed"
    if worth_a_line:
        why = ""
        if report.failed:
            # The message alone: where the suite was checked out is nobody's business.
            crash = getattr(report.longrepr, "reprcrash", None)
            why = str(crash.message if crash is not None else report.longrepr)[:WHY_KEPT]
        line = {
            "name": item.name,
            "file": item.path.name,
            "when": report.when,
            "outcome": report.outcome,
            "markers": sorted({marker.name for marker in item.iter_markers()}),
            "why": why,
        }
        with open(os.environ[RECORD_FILE], "a", encoding="utf-8") as record:
            record.write(json.dumps(line) + "\n")
    return report
