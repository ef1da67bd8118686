"""Exceptions of servicers as gRPC statuses. What is not a domain error is logged and told as INTERNAL, no more."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio

from dataplane.errors import DomainError
from dataplane.native.error_map import ERROR_NAME_KEY, status_of
from dataplane.native.interceptors.around import AroundInterceptor
from dataplane.native.interceptors.request_id import REQUEST_ID_KEY, request_id

logger = logging.getLogger(__name__)

MAX_DETAIL_CHARACTERS = 1000
"""Details travel in a header; a key in them may be long."""


class ErrorInterceptor(AroundInterceptor):
    @asynccontextmanager
    async def around(self, method: str, context: Any) -> AsyncIterator[None]:
        try:
            yield
        except DomainError as error:
            trailers = ((REQUEST_ID_KEY, request_id.get()), (ERROR_NAME_KEY, type(error).__name__))
            await context.abort(status_of(error), str(error)[:MAX_DETAIL_CHARACTERS], trailers)
        except grpc.aio.AbortError:
            raise
        except Exception:
            logger.exception("a native call failed", extra={"method": method, "request_id": request_id.get()})
            details = f"Internal error; the node's log has it under request id {request_id.get()}."
            await context.abort(grpc.StatusCode.INTERNAL, details, ((REQUEST_ID_KEY, request_id.get()),))
