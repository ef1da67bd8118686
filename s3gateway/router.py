"""Which operation does a request mean? Its row is found by method, scope, subresource, required names. Pure.

Being strict here protects data: `DELETE /bucket?versioning` must never be taken for DeleteBucket, so a subresource
that S3 knows but that no row of this method takes is refused, not ignored. Names that S3 does not know are ignored.
Must not know: handlers, authentication.
"""

from __future__ import annotations

from collections.abc import Sequence

from s3gateway.errors import S3Error
from s3gateway.operations.spec import Operation, Scope
from s3gateway.request import Query, S3Request

COPY_SOURCE = b"x-amz-copy-source"


class _Group:
    """The rows of one method and scope: the plain one (no query), its copy twin, and the rest, most specific first."""

    __slots__ = ("bare_required", "plain", "plain_copy", "rows")

    def __init__(self) -> None:
        self.plain: Operation | None = None
        self.plain_copy: Operation | None = None
        self.rows: list[Operation] = []
        self.bare_required: frozenset[str] = frozenset()

    def add(self, row: Operation) -> None:
        if row.subresource or row.required or row.equals:
            self.rows.append(row)
        elif row.copy_source:
            self.plain_copy = row
        else:
            self.plain = row

    def seal(self) -> None:
        self.rows.sort(
            key=lambda row: (bool(row.subresource), len(row.required) + len(row.equals), row.copy_source), reverse=True
        )
        self.bare_required = frozenset(name for row in self.rows if not row.subresource for name in row.required)


class Router:
    def __init__(self, operations: Sequence[Operation]) -> None:
        self._groups: dict[tuple[str, Scope], _Group] = {}
        self._paths: dict[tuple[str, bytes], Operation] = {}
        for row in operations:
            if row.superseded_by:
                continue
            if row.path:
                self._paths[row.method, row.path] = row
            else:
                self._groups.setdefault((row.method, row.scope), _Group()).add(row)
        for group in self._groups.values():
            group.seal()
        self._subresources = frozenset(row.subresource for row in operations if row.subresource)
        self._strict = self._subresources | {"uploadId"}

    def match_path(self, method: str, raw_path: bytes) -> Operation | None:
        """The row of an exact path that is no bucket address, if there is one."""
        return self._paths.get((method, raw_path))

    def match(self, request: S3Request, scope: Scope) -> Operation:
        """Raises MethodNotAllowed and InvalidArgument (conflicting or missing parameters)."""
        group = self._groups.get((request.method, scope))
        if group is None:
            raise self._not_allowed(request.method, scope, scope.value)
        copy = group.plain_copy is not None and COPY_SOURCE in request.headers
        if not request.raw_query:
            row = group.plain_copy if copy else group.plain
            if row is None:
                raise self._not_allowed(request.method, scope, scope.value)
            return row
        return self._match_query(request.method, scope, group, request.query, copy)

    def _match_query(self, method: str, scope: Scope, group: _Group, query: Query, copy: bool) -> Operation:
        names = query.names
        subresources = self._subresources & names
        if len(subresources) > 1:
            listed = ", ".join(sorted(subresources))
            raise S3Error(
                "InvalidArgument",
                f"Conflicting query string parameters: {listed}",
                fields={"ArgumentName": "ResourceType", "ArgumentValue": sorted(subresources)[0]},
            )
        for row in group.rows:
            if (
                (not row.subresource or row.subresource in subresources)
                and (not row.copy_source or copy)
                and all(name in query for name in row.required)
                and all(query.get(name) == value for name, value in row.equals)
            ):
                found = row
                break
        else:
            plain = group.plain_copy if copy else group.plain
            if plain is None:
                self._refuse_leftover(method, scope, group, query, frozenset())
                raise self._not_allowed(method, scope, scope.value)
            found = plain
        self._refuse_leftover(method, scope, group, query, frozenset((found.subresource, *found.required)))
        return found

    def _refuse_leftover(self, method: str, scope: Scope, group: _Group, query: Query, used: frozenset[str]) -> None:
        """Raises where the query names something that S3 gives a meaning and the row found does not."""
        for name in query.names:
            if name in used:
                continue
            if name in self._subresources:
                for row in group.rows:
                    missing = [required for required in row.required if required not in query]
                    if row.subresource == name and missing:
                        raise _missing(missing[0])
                raise self._not_allowed(method, scope, name)
            if name in group.bare_required:
                missing = [required for required in sorted(group.bare_required) if required not in query]
                if missing:
                    raise _missing(missing[0])
            if name in self._strict:
                raise self._not_allowed(method, scope, name)

    def _not_allowed(self, method: str, scope: Scope, resource: str) -> S3Error:
        allowed = sorted(
            {
                group_method
                for (group_method, group_scope), group in self._groups.items()
                if group_scope is scope
                and (
                    (resource == scope.value and group.plain is not None)
                    or any(resource == row.subresource or resource in row.required for row in group.rows)
                )
            }
        )
        return S3Error(
            "MethodNotAllowed",
            fields={"Method": method, "ResourceType": resource.upper()},
            headers=((b"allow", ", ".join(allowed).encode()),),
        )


def _missing(name: str) -> S3Error:
    return S3Error(
        "InvalidArgument",
        f"This operation requires the query parameter {name}.",
        fields={"ArgumentName": name, "ArgumentValue": ""},
    )
