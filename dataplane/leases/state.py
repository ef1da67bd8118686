"""What a holder may believe of its lease. Pure: the holder's monotonic clock is handed in.

The row decides, by the database's clock; this is the holder's cautious side of it. The holder counts the
lease from before it asked, and stops a margin before the end, so that no drift and no delay makes it act
after another could have taken over. Tokens only grow; every write under a lease carries its token.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

RENEW_SHARE = 1 / 3
"""Of the lease after which it is renewed: two more tries fit before it is over."""

MARGIN_SHARE = 0.1
"""Of the lease before its end at which the holder stops."""


@dataclass(frozen=True, slots=True)
class HeldLease:
    """A lease as its holder knows it."""

    name: str
    holder: str
    token: int
    ttl_seconds: float
    asked_at: float
    """Monotonic seconds of the holder, taken before the database was asked."""

    @property
    def renew_at(self) -> float:
        return self.asked_at + self.ttl_seconds * RENEW_SHARE

    @property
    def stop_at(self) -> float:
        """From here on nothing may be done under this lease."""
        return self.asked_at + self.ttl_seconds * (1 - MARGIN_SHARE)

    def usable(self, now: float) -> bool:
        return now < self.stop_at

    def renewed(self, asked_at: float) -> HeldLease:
        """The lease after a renewal that was asked for at `asked_at` and granted."""
        if asked_at < self.asked_at:
            raise ValueError(f"the lease {self.name!r} cannot be renewed before it was taken")
        return replace(self, asked_at=asked_at)
