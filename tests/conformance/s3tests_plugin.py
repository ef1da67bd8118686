"""A pytest plugin for the suite's own process: writes what was collected, with its markers, as JSON.

Loaded with `-p s3tests_plugin`; runs in the suite's environment, so it knows nothing of this project.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest


def pytest_collection_finish(session: pytest.Session) -> None:
    target = os.environ.get("S3TESTS_COLLECTED")
    if target:
        cases = [[item.nodeid, sorted({mark.name for mark in item.iter_markers()})] for item in session.items]
        Path(target).write_text(json.dumps(cases))
