"""The table of S3 operations has all that S3 has, and every served row is proved over the wire.

What a row must say is tested next to the table, in tests/unit/s3gateway.
"""

from __future__ import annotations

import botocore.loaders
import pytest
from botocore.model import ServiceModel

from s3gateway.operations.spec import Operation, Support
from s3gateway.operations.table import OPERATIONS
from tests.tidy import repository

KNOWN_OPERATIONS = 116
SERVED = [operation for operation in OPERATIONS if operation.support is not Support.REFUSED]


def test_every_operation_of_s3_has_a_row() -> None:
    names = ServiceModel(botocore.loaders.Loader().load_service_model("s3", "service-2")).operation_names
    assert not set(names) - {operation.name for operation in OPERATIONS}, (
        "new in S3: give each a row, at least a refused one"
    )
    assert len(names) == KNOWN_OPERATIONS, "S3 grew or shrank: look at the table, then change this number"


def conformance_files() -> set[str]:
    return {path.name for path in repository.files() if path.parts[:2] == ("tests", "conformance")}


@pytest.mark.parametrize("row", SERVED, ids=lambda row: row.name)
def test_served_operations_have_their_conformance_test(row: Operation) -> None:
    assert f"test_{row.function}.py" in conformance_files()
