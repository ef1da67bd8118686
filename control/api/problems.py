"""Errors as `application/problem+json` (RFC 9457): the one translation of domain errors for this wire."""

from __future__ import annotations

import logging
import re
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from control.request_ids import request_id_of
from dataplane import errors

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5

# The nearest class of the tree decides; a test proves that every error has one.
STATUS_OF: dict[type[errors.DomainError], int] = {
    errors.NotFound: status.HTTP_404_NOT_FOUND,
    errors.Refused: status.HTTP_403_FORBIDDEN,
    errors.InvalidCredential: status.HTTP_401_UNAUTHORIZED,
    errors.InvalidToken: status.HTTP_401_UNAUTHORIZED,
    errors.Conflict: status.HTTP_409_CONFLICT,
    errors.Unmet: status.HTTP_412_PRECONDITION_FAILED,
    errors.NotModified: status.HTTP_304_NOT_MODIFIED,
    errors.InvalidRange: status.HTTP_416_REQUESTED_RANGE_NOT_SATISFIABLE,
    errors.BadInput: status.HTTP_400_BAD_REQUEST,
    errors.OverLimit: status.HTTP_403_FORBIDDEN,
    errors.Unavailable: status.HTTP_503_SERVICE_UNAVAILABLE,
}


class ProblemRenderer(JSONRenderer):
    media_type = CONTENT_TYPE


def status_of(error: errors.DomainError) -> int:
    for kind in type(error).__mro__:
        if kind in STATUS_OF:
            return STATUS_OF[kind]
    raise LookupError(f"{type(error).__name__} has no HTTP status; add it to STATUS_OF")


def slug_of(error_name: str) -> str:
    """`BucketNotEmpty` -> `bucket-not-empty`: stable, for programs to compare."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", error_name).lower()


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER. None lets Django answer 500 and log the traceback."""
    if isinstance(error, errors.DomainError):
        return _problem(context, status_of(error), type(error).__name__, str(error))
    if isinstance(error, Http404):
        error = exceptions.NotFound(str(error) or None)
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait) + 1)
    if isinstance(error, exceptions.ValidationError):
        return _problem(
            context, error.status_code, "InvalidRequest", "The request has invalid fields.", fields=error.detail
        )
    return _problem(context, error.status_code, type(error).__name__, str(error.detail), headers=headers)


def _problem(
    context: dict[str, Any],
    http_status: int,
    name: str,
    detail: str,
    *,
    fields: Any = None,
    headers: dict[str, str] | None = None,
) -> Response:
    request = context["request"]
    body: dict[str, Any] = {
        "type": f"urn:anvil:problem:{slug_of(name)}",
        "title": slug_of(name).replace("-", " ").capitalize(),
        "status": http_status,
        "detail": detail,
        "request_id": request_id_of(request._request),
    }
    if fields is not None:
        body["fields"] = fields
    headers = dict(headers or {})
    if http_status == status.HTTP_503_SERVICE_UNAVAILABLE:
        headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
    request.accepted_renderer = ProblemRenderer()
    request.accepted_media_type = CONTENT_TYPE
    return Response(body, status=http_status, headers=headers, content_type=CONTENT_TYPE)
