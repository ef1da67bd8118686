"""Every bound of the listener, with its reason, and the token bucket that meters floods. Pure.

Must not know sockets, protocols or the clock: callers pass the time in.
"""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one listener. The defaults suit a node on a data-centre network behind a proxy or not."""

    # Every connection
    max_connections: int = 8192
    """Connections of one worker; further ones are closed at once, before a byte is read."""
    first_bytes_seconds: float = 60.0
    """From accepting to knowing the protocol; pools of clients connect ahead of their first request."""
    idle_seconds: float = 180.0
    """A connection without a request in progress is closed after this. Above the pools of Caddy (120 s), Go (90 s)
    and nginx (60 s), so that the proxy closes first and never sends into a connection that we are closing."""
    stall_seconds: float = 120.0
    """Nothing moved although it was the peer's turn (a body we wait for, a reply it does not take)."""
    header_bytes: int = 64 * KIB
    """Request line and headers together, as received; S3 allows 8 KiB of headers, proxies add some."""
    header_count: int = 256
    write_buffer_bytes: int = 256 * KIB
    """Reply bytes waiting in user space for one socket before applications are made to wait. Larger buys nothing
    and puts small replies behind more bytes of large ones."""

    # HTTP/1.1
    header_seconds: float = 20.0
    """From the first byte of a request to the end of its headers (slow loris)."""
    request_buffer_bytes: int = 1 * MIB
    """Body bytes read ahead of the application; then the socket is not read."""
    linger_bytes: int = 2 * MIB
    """After an answer that came before the whole body: so much of the rest is read and dropped, so that the client
    gets to see the answer instead of a reset."""
    linger_seconds: float = 2.0

    # HTTP/2
    max_streams: int = 128
    """Open streams of one connection; further ones are refused, one by one. Advertised at first."""
    settled_streams: int = 128
    """Advertised, if less than `max_streams`, once the connection has been quiet. With several workers 16: a proxy
    opens another connection only when one is full, and only connections spread over workers. Not from the start and
    never under load: Go's transport, and so Caddy, then fails uploads that it has already given to the connection
    (measured: up to 14 of 32 at once, "cannot rewind body"). `max_streams` is what is enforced all along."""
    settling_seconds: float = 1.0
    """Quiet: for so long at most half of `settled_streams` were open at a time."""
    stream_window_bytes: int = 1 * MIB
    """Unread request body of one stream; with `max_streams` it bounds what one connection can hold."""
    max_frame_bytes: int = 256 * KIB
    max_continuations: int = 16
    quantum_bytes: int = 256 * KIB
    """Written of one stream before the next one has its turn."""
    ping_seconds: float = 30.0
    """A silent HTTP/2 peer with requests in progress is asked for a sign of life after this."""
    drain_ping_seconds: float = 2.0
    """Graceful shutdown: how long the first GOAWAY may travel before the final one follows without an answer."""

    # Floods: tokens of a bucket, and how many come back per second
    control_burst: int = 1000
    control_per_second: float = 200.0
    """SETTINGS, PING, PRIORITY, unknown and empty DATA frames, frames for streams that are gone."""
    window_update_burst: int = 10_000
    window_update_per_second: float = 1000.0
    """Beyond one for each KiB that was sent."""
    reset_burst: int = 1000
    reset_per_second: float = 100.0
    """Streams the peer opened and then cancelled, broke or opened beyond the limit (rapid reset)."""

    # gRPC
    grpc_message_bytes: int = 16 * MIB
    """One message, either way; the native API carries objects in streams of far smaller ones."""

    def tick_seconds(self) -> float:
        """How often a connection looks at its clocks: fine enough that no limit is overrun by more than half."""
        shortest = min(self.idle_seconds, self.stall_seconds, self.header_seconds, self.ping_seconds)
        return max(0.02, min(5.0, shortest / 2))


class TokenBucket:
    """`burst` tokens at first, `per_second` coming back; `spend` says whether there was one left."""

    __slots__ = ("_burst", "_per_second", "_tokens", "_updated_seconds")

    def __init__(self, burst: float, per_second: float, now_seconds: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._tokens = float(burst)
        self._updated_seconds = now_seconds

    def spend(self, now_seconds: float, count: float = 1.0) -> bool:
        elapsed = now_seconds - self._updated_seconds
        self._updated_seconds = now_seconds
        if self._tokens < self._burst:
            self._tokens = min(self._burst, self._tokens + max(0.0, elapsed) * self._per_second)
        self._tokens -= count
        return self._tokens >= 0.0

    def earn(self, count: float) -> None:
        """Gives tokens for useful work, beyond `burst` too."""
        self._tokens += count


def limits_for(workers: int) -> Limits:
    """The bounds of a listener that shares its port with so many workers."""
    return Limits(settled_streams=16) if workers > 1 else Limits()
