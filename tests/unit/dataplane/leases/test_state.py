"""What a holder believes of its lease: it renews early and stops early."""

from __future__ import annotations

import pytest

from dataplane.leases.state import HeldLease


def test_a_lease_is_renewed_at_a_third_and_given_up_before_its_end() -> None:
    lease = HeldLease("sweep", "me", 7, ttl_seconds=30.0, asked_at=100.0)
    assert (lease.renew_at, lease.stop_at) == (110.0, 127.0)
    assert lease.usable(126.9)
    assert not lease.usable(127.0)
    later = lease.renewed(110.0)
    assert (later.token, later.stop_at) == (7, 137.0)
    with pytest.raises(ValueError, match="'sweep'"):
        lease.renewed(99.0)
