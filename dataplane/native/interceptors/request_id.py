"""Every native call has a request id: the caller's `x-request-id` or one made up; it comes back in the trailers."""

from __future__ import annotations

import contextvars
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from dataplane.native.interceptors.around import AroundInterceptor

REQUEST_ID_KEY = "x-request-id"
_HARMLESS_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}").fullmatch

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("native_request_id", default="")


class RequestIdInterceptor(AroundInterceptor):
    @asynccontextmanager
    async def around(self, method: str, context: Any) -> AsyncIterator[None]:
        given = dict(context.invocation_metadata() or ()).get(REQUEST_ID_KEY, "")
        made = given if isinstance(given, str) and _HARMLESS_ID(given) else secrets.token_hex(8).upper()
        token = request_id.set(made)
        context.set_trailing_metadata(((REQUEST_ID_KEY, made),))
        try:
            yield
        finally:
            request_id.reset(token)
