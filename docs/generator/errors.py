"""The page of errors: what the store refuses or fails with, and what each becomes on each wire."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from control.api.problems import STATUS_OF
from dataplane import errors
from dataplane.native.error_map import STATUSES as GRPC_STATUSES
from docs.generator.markdown import code, page, table
from s3gateway.errors import ERRORS


def _domain_errors() -> Iterator[type[errors.DomainError]]:
    for _, found in sorted(inspect.getmembers(errors, inspect.isclass)):
        if issubclass(found, errors.DomainError) and not found.__subclasses__():
            yield found


def _rest_status(found: type[errors.DomainError]) -> int:
    """The nearest ancestor's, as `control.api.problems` finds it."""
    return next(STATUS_OF[kind] for kind in found.__mro__ if kind in STATUS_OF)


def errors_page() -> str:
    s3_rows = [(code(name), str(kind.status), kind.message) for name, kind in sorted(ERRORS.items())]
    domain_rows = [
        (found.__name__, code(GRPC_STATUSES[found].name), str(_rest_status(found))) for found in _domain_errors()
    ]
    return page(
        "Errors",
        "## S3",
        "Codes, statuses and messages are those of AWS, except where AWS has no such situation. A reply may carry a "
        "more precise message, and always a request id.",
        table(("code", "status", "usual message"), s3_rows),
        "## Native API and REST",
        "The same situation as a gRPC status and as the status of an `application/problem+json` document, whose "
        "`detail` is a sentence that says what was wrong, with which value, and what to do.",
        table(("error", "gRPC", "REST"), domain_rows),
    )
