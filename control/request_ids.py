"""Gives every request of the control listener an id: in its reply, its problems, its audit rows and its log lines.

A caller's own `X-Request-Id` is kept where it is harmless, so that a request can be followed through a proxy.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

_HARMLESS = re.compile(r"[A-Za-z0-9._:-]{1,64}\Z")


def request_id_of(request: HttpRequest) -> str:
    return getattr(request, "anvil_request_id", "")


class RequestIdMiddleware:
    """Works in a synchronous and in an asynchronous chain, so that it never adds a thread hop."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        given = request.headers.get("X-Request-Id", "")
        request.anvil_request_id = given if _HARMLESS.match(given) else secrets.token_hex(8).upper()  # type: ignore[attr-defined]
        if self._is_async:
            return self._answer_later(request)
        return _marked(request, self._get_response(request))  # type: ignore[arg-type]

    async def _answer_later(self, request: HttpRequest) -> HttpResponse:
        return _marked(request, await self._get_response(request))  # type: ignore[misc]


def _marked(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    response["X-Request-Id"] = request_id_of(request)
    return response
