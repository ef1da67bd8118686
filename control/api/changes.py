"""What a REST write tells the services about itself: who asks, why, in which request."""

from __future__ import annotations

from rest_framework.request import Request

from control.request_ids import request_id_of
from control.services.origin import Origin

REASON_HEADER = "X-Anvil-Reason"


def origin_of(request: Request) -> Origin:
    return Origin(
        actor=f"user:{request.user.get_username()}",
        reason=request.headers.get(REASON_HEADER, ""),
        request_id=request_id_of(request._request),
    )
