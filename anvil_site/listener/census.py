"""How many connections and streams are open in this process, and what the listener ended by itself.

Streams are counted in a plain number and published now and then: a gauge of its own kind costs more than the rest of
a small request's bookkeeping.
"""

from __future__ import annotations

from dataplane.metrics import LISTENER_CONNECTIONS, LISTENER_REFUSALS, LISTENER_STREAMS

_REFUSALS = {
    reason: LISTENER_REFUSALS.labels(reason)
    for reason in ("connections", "streams", "malformed", "too-large", "flood", "timeout")
}
_CONNECTIONS = {protocol: LISTENER_CONNECTIONS.labels(protocol) for protocol in ("http1", "http2")}


class Census:
    """One of a listener; its connections come and go in one loop."""

    def __init__(self) -> None:
        self.streams = 0

    def joined(self, protocol: str) -> None:
        _CONNECTIONS[protocol].inc()

    def left(self, protocol: str) -> None:
        _CONNECTIONS[protocol].dec()
        self.publish()

    def refused(self, reason: str) -> None:
        _REFUSALS[reason].inc()

    def publish(self) -> None:
        LISTENER_STREAMS.set(self.streams)
