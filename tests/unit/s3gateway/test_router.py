"""Which operation a request means."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.model import OperationModel

from s3gateway.errors import S3Error
from s3gateway.operations.spec import Scope
from s3gateway.operations.table import OPERATIONS
from s3gateway.request import S3Request
from s3gateway.router import Router

ROUTER = Router(OPERATIONS)
BY_NAME = {row.name: row for row in OPERATIONS}
S3_MODEL = botocore.session.get_session().get_service_model("s3")


def match(method: str, query: str = "", scope: Scope = Scope.OBJECT, **headers: str) -> str:
    lines = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return ROUTER.match(S3Request(method, b"/b/k", query.encode(), lines), scope).name


def refusal(method: str, query: str = "", scope: Scope = Scope.OBJECT) -> S3Error:
    with pytest.raises(S3Error) as caught:
        match(method, query, scope)
    return caught.value


def wire_form(model: OperationModel) -> tuple[str, str, Scope, dict[str, str]]:
    """Method, query, scope and routing headers of a request that botocore would make with what is required."""
    path, _, query = model.http["requestUri"].partition("?")
    scope = Scope.OBJECT if "{Key+}" in path else Scope.BUCKET if "{Bucket}" in path else Scope.SERVICE
    parts = [query] if query else []
    headers: dict[str, str] = {}
    shape: Any = model.input_shape
    for name in shape.required_members if shape else ():
        serialization = shape.members[name].serialization
        if serialization.get("location") == "querystring":
            parts.append(f"{serialization['name']}=1")
        elif serialization.get("name", "").lower() == "x-amz-copy-source":
            headers["x_amz_copy_source"] = "b/k"
    if model.name == "ListDirectoryBuckets":
        parts.append("max-directory-buckets=1")  # ListBuckets has the same wire form otherwise
    return model.http["method"], "&".join(parts), scope, headers


@pytest.mark.parametrize("name", S3_MODEL.operation_names)
def test_what_botocore_sends_finds_its_row(name: str) -> None:
    row = BY_NAME[name]
    method, query, scope, headers = wire_form(S3_MODEL.operation_model(name))
    if row.path:
        assert ROUTER.match_path(method, row.path) is row
        return
    assert match(method, query, scope, **headers) == (row.superseded_by or name)


@pytest.mark.parametrize(
    ("method", "query", "scope", "name"),
    [
        ("GET", "list-type=2&prefix=a", Scope.BUCKET, "ListObjectsV2"),
        ("GET", "list-type=1", Scope.BUCKET, "ListObjects"),
        ("GET", "prefix=acl", Scope.BUCKET, "ListObjects"),
        ("GET", "x-id=GetObject&response-content-type=a", Scope.OBJECT, "GetObject"),
        ("GET", "partNumber=3", Scope.OBJECT, "GetObject"),
        ("GET", "versionId=1&acl", Scope.OBJECT, "GetObjectAcl"),
        ("GET", "acl=", Scope.OBJECT, "GetObjectAcl"),
        ("GET", "utm_source=mail", Scope.OBJECT, "GetObject"),
        ("PUT", "x-id=PutObject", Scope.OBJECT, "PutObject"),
        ("PUT", "uploadId=1&partNumber=2&x-id=UploadPart", Scope.OBJECT, "UploadPart"),
        ("GET", "id=1", Scope.BUCKET, "ListObjects"),
        ("GET", "analytics", Scope.BUCKET, "ListBucketAnalyticsConfigurations"),
        ("GET", "analytics&id=1", Scope.BUCKET, "GetBucketAnalyticsConfiguration"),
        ("POST", "", Scope.BUCKET, "PostObject"),
        ("HEAD", "list-type=2", Scope.BUCKET, "HeadBucket"),
    ],
)
def test_queries(method: str, query: str, scope: Scope, name: str) -> None:
    assert match(method, query, scope) == name


def test_a_copy_source_makes_a_copy() -> None:
    assert match("PUT", x_amz_copy_source="b/k") == "CopyObject"
    assert match("PUT", "partNumber=1&uploadId=2", x_amz_copy_source="b/k") == "UploadPartCopy"
    assert match("PUT", "tagging", x_amz_copy_source="b/k") == "PutObjectTagging"
    assert match("GET", x_amz_copy_source="b/k") == "GetObject"


@pytest.mark.parametrize(
    ("method", "query", "scope"),
    [
        # Each would destroy or overwrite something if the subresource were ignored.
        ("DELETE", "versioning", Scope.BUCKET),
        ("DELETE", "acl", Scope.BUCKET),
        ("DELETE", "uploads", Scope.BUCKET),
        ("DELETE", "uploadId=1", Scope.BUCKET),
        ("DELETE", "acl", Scope.OBJECT),
        ("DELETE", "retention", Scope.OBJECT),
        ("PUT", "uploads", Scope.OBJECT),
        ("PUT", "versions", Scope.OBJECT),
        ("PUT", "attributes", Scope.OBJECT),
        ("PUT", "location", Scope.BUCKET),
        ("POST", "", Scope.OBJECT),
        ("POST", "acl", Scope.OBJECT),
        ("POST", "uploads", Scope.BUCKET),
        ("GET", "versions", Scope.OBJECT),
        ("HEAD", "location", Scope.BUCKET),
        ("DELETE", "", Scope.SERVICE),
        ("PUT", "", Scope.SERVICE),
        ("PATCH", "", Scope.OBJECT),
        ("get", "", Scope.OBJECT),
        ("BREW", "", Scope.BUCKET),
    ],
)
def test_nothing_is_taken_for_something_else(method: str, query: str, scope: Scope) -> None:
    error = refusal(method, query, scope)
    assert (error.code, error.status) == ("MethodNotAllowed", 405)
    assert error.fields["Method"] == method
    assert method.encode() not in dict(error.headers)[b"allow"].split(b", ")


def test_allow_names_the_methods_of_the_subresource() -> None:
    error = refusal("DELETE", "versioning", Scope.BUCKET)
    assert error.fields["ResourceType"] == "VERSIONING"
    assert dict(error.headers)[b"allow"] == b"GET, PUT"


@pytest.mark.parametrize(
    ("method", "query", "scope", "missing"),
    [
        ("PUT", "uploadId=1", Scope.OBJECT, "partNumber"),
        ("PUT", "partNumber=1", Scope.OBJECT, "uploadId"),
        ("PUT", "analytics", Scope.BUCKET, "id"),
        ("DELETE", "inventory", Scope.BUCKET, "id"),
        ("PUT", "annotation", Scope.OBJECT, "annotationName"),
    ],
)
def test_missing_parameters_are_named(method: str, query: str, scope: Scope, missing: str) -> None:
    error = refusal(method, query, scope)
    assert (error.code, error.status) == ("InvalidArgument", 400)
    assert error.fields["ArgumentName"] == missing


def test_two_subresources_contradict_each_other() -> None:
    error = refusal("PUT", "tagging&acl", Scope.OBJECT)
    assert error.code == "InvalidArgument"
    assert error.message == "Conflicting query string parameters: acl, tagging"
