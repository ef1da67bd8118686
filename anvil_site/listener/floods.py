"""What a peer may do often: the meters of one HTTP/2 connection. Pure: the caller brings the time.

Each of these costs the peer a few bytes and us an answer, a lookup or a started request (rapid reset, CVE-2023-44487;
SETTINGS, PING and empty-frame floods, CVE-2019-9512 and its kin). Must not know frames' contents or streams.
"""

from __future__ import annotations

from h2.errors import ErrorCodes

from anvil_site.listener.errors import FrameError
from anvil_site.listener.limits import KIB, Limits, TokenBucket


class FloodGuard:
    """Each method raises `FrameError` with ENHANCE_YOUR_CALM once there was too much of its kind."""

    def __init__(self, limits: Limits, now_seconds: float) -> None:
        self._control = TokenBucket(limits.control_burst, limits.control_per_second, now_seconds)
        self._updates = TokenBucket(limits.window_update_burst, limits.window_update_per_second, now_seconds)
        self._resets = TokenBucket(limits.reset_burst, limits.reset_per_second, now_seconds)
        self._credited_bytes = 0

    def control(self, now_seconds: float, what: str) -> None:
        """A frame that does nothing useful or asks for an answer."""
        self._spend(self._control, now_seconds, what)

    def reset(self, now_seconds: float, what: str) -> None:
        """A stream that came to nothing by the peer's doing."""
        self._spend(self._resets, now_seconds, what)

    def window_update(self, now_seconds: float, sent_bytes: int) -> None:
        """`sent_bytes` of DATA since the connection began earn the updates that answer them."""
        self._updates.earn((sent_bytes - self._credited_bytes) / KIB)
        self._credited_bytes = sent_bytes
        self._spend(self._updates, now_seconds, "WINDOW_UPDATE frames")

    @staticmethod
    def _spend(bucket: TokenBucket, now_seconds: float, what: str) -> None:
        if not bucket.spend(now_seconds):
            raise FrameError(ErrorCodes.ENHANCE_YOUR_CALM, f"too many {what}")
