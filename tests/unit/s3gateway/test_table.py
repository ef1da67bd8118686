"""The operation table is the whole of S3, and keeps what it promises."""

from __future__ import annotations

import inspect

import botocore.session
import pytest

from dataplane.access.actions import ACTIONS
from s3gateway.operations.spec import BodyKind, Operation, Scope, Support
from s3gateway.operations.table import OPERATIONS
from s3gateway.pipeline import load_handlers

BEYOND_BOTOCORE = {"PostObject"}
"""S3's operations that no SDK has: the browser's form upload."""

SERVED = [row for row in OPERATIONS if row.support is not Support.REFUSED]


def ids(row: Operation) -> str:
    return row.name


def test_every_operation_of_botocore_has_one_row() -> None:
    names = [row.name for row in OPERATIONS]
    model = botocore.session.get_session().get_service_model("s3")
    assert len(names) == len(set(names))
    assert set(names) == set(model.operation_names) | BEYOND_BOTOCORE


@pytest.mark.parametrize("row", OPERATIONS, ids=ids)
def test_rows_are_consistent(row: Operation) -> None:
    assert row.action in ACTIONS
    assert set(row.other_actions) <= ACTIONS
    assert bool(row.module) == (row.support is not Support.REFUSED)
    assert row.method in ("GET", "HEAD", "PUT", "POST", "DELETE")
    if row.method in ("GET", "HEAD", "DELETE"):
        assert row.body is BodyKind.NONE
    if row.scope is Scope.SERVICE:
        assert not row.needs_bucket
    if row.superseded_by:
        twin = next(other for other in OPERATIONS if other.name == row.superseded_by)
        assert (twin.method, twin.scope, twin.subresource) == (row.method, row.scope, row.subresource)


@pytest.mark.parametrize("row", OPERATIONS, ids=ids)
def test_reading_needs_no_right_to_write_and_writing_does(row: Operation) -> None:
    reading = row.action.endswith((":read", ":list"))
    if row.method in ("GET", "HEAD"):
        # Whoever may upload parts may see which ones arrived.
        assert reading or row.name == "ListParts"
    elif row.name != "SelectObjectContent":
        assert not reading


def test_every_served_row_has_its_handler() -> None:
    handlers = load_handlers(OPERATIONS)
    assert set(handlers) == {row.name for row in SERVED}
    for row in SERVED:
        handler = handlers[row.name]
        assert inspect.iscoroutinefunction(handler), row.name
        assert handler.__name__ == row.function, row.name


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("PutObject", "put_object"),
        ("ListObjectsV2", "list_objects_v2"),
        ("GetBucketAcl", "get_bucket_acl"),
        ("GetBucketCors", "get_bucket_cors"),
        ("UploadPartCopy", "upload_part_copy"),
    ],
)
def test_handlers_are_named_after_their_operation(name: str, function: str) -> None:
    row = next(row for row in OPERATIONS if row.name == name)
    assert row.function == function
