"""`S3Gateway`: the ASGI application of the S3 protocol, and the only place that sends.

Gives a request its id, runs the pipeline, turns whatever comes up into a reply, and counts and logs it once. A reply
that fails after its head was sent is broken off, never silently short. Must not know: operations, authentication.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from itertools import count
from typing import TYPE_CHECKING, Any

from dataplane import metrics
from dataplane.ports import Directory
from s3gateway.accounting import Accounting, Outcome, log_fields
from s3gateway.context import RequestContext
from s3gateway.errors import S3Error
from s3gateway.flights import Ending, Flight, Flights
from s3gateway.operations.call import Headers, Response
from s3gateway.pipeline import Handler, Pipeline
from s3gateway.reply import Reply, ReplyCut, Send
from s3gateway.request import S3Request, header_text
from s3gateway.settings import GatewaySettings
from s3gateway.stream import ClientDisconnected, Receive, RequestStream
from s3gateway.unread import may_have_body
from s3gateway.xml.error_document import error_document

if TYPE_CHECKING:
    from dataplane.objects.store import ObjectStore

logger = logging.getLogger(__name__)

_MASK = (1 << 64) - 1
_SPREAD = 0x9E3779B97F4A7C15
"""Odd, so counting in its steps visits every 64-bit number once: ids look random and never repeat in a process."""


class S3Gateway:
    """One per worker process. `await gateway(scope, receive, send)` for scopes of type `http` only.

    Must be called in a task of its own for each request, as ASGI servers do: stalled requests are cancelled.
    """

    def __init__(
        self,
        directory: Directory,
        objects: ObjectStore,
        settings: GatewaySettings,
        *,
        handlers: Mapping[str, Handler] | None = None,
        now: Callable[[], float] = time.time,
        bind_request_id: Callable[[str], object] | None = None,
    ) -> None:
        """`handlers` replaces the table's own (tests); `now` gives seconds since 1970.

        `bind_request_id` is told each request's id in the request's own context, for the log lines of lower floors.
        """
        self._settings = settings
        self._pipeline = Pipeline(directory, objects, settings, handlers)
        self._now = now
        self._bind_request_id = bind_request_id
        self._flights = Flights(
            limit=settings.max_parallel_requests,
            idle_seconds=settings.idle_timeout_seconds,
            work_seconds=settings.work_timeout_seconds,
        )
        self._flights.report_to(metrics.S3_INFLIGHT.set)
        self._accounting = Accounting()
        self._serial = count(int.from_bytes(os.urandom(8)))
        self._host_id = settings.host_id.encode()
        self._server = (b"server", settings.server_name.encode())
        self._retry_after = (b"retry-after", b"%d" % settings.retry_after_seconds)
        self._date_second = -1
        self._date = b""

    @property
    def requests_in_flight(self) -> int:
        return len(self._flights)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        request_id = f"{next(self._serial) * _SPREAD & _MASK:016X}"
        if self._bind_request_id is not None:
            self._bind_request_id(request_id)
        request = S3Request.from_scope(scope, self._settings.max_query_parameters)
        context = RequestContext(request_id, request)
        refused = self._flights.full
        flight = self._flights.enter()
        outcome = Outcome()
        stream = RequestStream(receive, flight.touch)
        stream.finished = not may_have_body(request)
        flight.carry(stream)
        try:
            if refused:
                response = self._error_response(S3Error("SlowDown"), context, outcome)
            else:
                response = await self._respond(context, stream, flight, outcome)
            headers: Headers = [
                (b"x-amz-request-id", request_id.encode()),
                (b"x-amz-id-2", self._host_id),
                (b"date", self._date_header()),
                self._server,
                *response.headers,
            ]
            await Reply(send, request, stream, flight, outcome, self._settings).deliver(response, headers)
        except ClientDisconnected:
            outcome.code = "499"
        except ReplyCut as error:
            outcome.code = "cut"
            logger.error("A reply was broken off: %s", error, exc_info=error.__cause__, extra=log_fields(context))
        except asyncio.CancelledError:
            outcome.code = "499" if flight.ending is Ending.CLIENT_GONE else "cut"
            if flight.ending is None:
                raise
        finally:
            self._flights.leave(flight)
            self._accounting.record(context, outcome, stream.received_bytes)

    async def _respond(
        self, context: RequestContext, stream: RequestStream, flight: Flight, outcome: Outcome
    ) -> Response:
        """The handler's reply, or the one of whatever went wrong. Raises only where nobody is left to answer."""
        try:
            return await self._pipeline.run(context, stream, self._now())
        except S3Error as error:
            failure = error
        except ClientDisconnected:
            raise
        except asyncio.CancelledError:
            if flight.ending is None or flight.ending is Ending.CLIENT_GONE:
                raise
            flight.task.uncancel()
            stream.given_up = True
            failure = S3Error("RequestTimeout" if flight.ending is Ending.CLIENT_STALLED else "ServiceUnavailable")
            logger.warning("A request was ended: %s", flight.ending.value, extra=log_fields(context))
        except Exception:
            logger.exception("A request failed unexpectedly", extra=log_fields(context))
            failure = S3Error("InternalError")
        return self._error_response(failure, context, outcome)

    def _error_response(self, error: S3Error, context: RequestContext, outcome: Outcome) -> Response:
        outcome.error_code = error.code
        headers: Headers = list(error.headers)
        if error.status == 503:
            headers.append(self._retry_after)
        if error.status == 304:
            return Response(304, headers)
        headers.append((b"content-type", b"application/xml"))
        if context.request.method == "HEAD":
            return Response(error.status, headers)
        resource = header_text(context.request.raw_path)
        return Response(
            error.status, headers, error_document(error, resource, context.request_id, self._settings.host_id)
        )

    def _date_header(self) -> bytes:
        second = int(self._now())
        if second != self._date_second:
            self._date_second = second
            self._date = formatdate(second, usegmt=True).encode()
        return self._date
