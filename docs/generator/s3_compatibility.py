"""The page of S3 operations, from `s3gateway/operations/table.py`."""

from __future__ import annotations

from docs.generator.markdown import code, page, table
from s3gateway.operations.spec import Operation, Scope, Support
from s3gateway.operations.table import OPERATIONS

STATE = {
    Support.SERVED: "served",
    Support.STORED_ONLY: "stored, not acted upon",
    Support.REFUSED: "`NotImplemented`",
}
PLACE = {Scope.SERVICE: "/", Scope.BUCKET: "/bucket", Scope.OBJECT: "/bucket/key"}


def _request(operation: Operation) -> str:
    place = operation.path.decode() or PLACE[operation.scope]
    names = [operation.subresource] if operation.subresource else []
    names += [name for name in operation.required if name != operation.subresource]
    names += [f"{name}={value}" for name, value in operation.equals]
    header = " with x-amz-copy-source" if operation.copy_source else ""
    return code(f"{operation.method} {place}{'?' + '&'.join(names) if names else ''}{header}")


def _right(operation: Operation) -> str:
    return " or ".join(map(code, (operation.action, *operation.other_actions)))


def s3_compatibility_page() -> str:
    by_name = sorted(OPERATIONS, key=lambda operation: operation.name)
    served = sum(operation.support is not Support.REFUSED for operation in by_name)
    rows = [
        (
            operation.name,
            f"as {operation.superseded_by}" if operation.superseded_by else STATE[operation.support],
            _request(operation),
            _right(operation),
        )
        for operation in by_name
    ]
    return page(
        "S3 operations",
        f"{served} of {len(by_name)} operations are served. One that is not answers 501 `NotImplemented` and names "
        "itself. A right is an action that one of the app's grants must allow on the bucket or key.",
        table(("operation", "state", "request", "right"), rows),
    )
