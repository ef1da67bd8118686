"""Which protocol a connection speaks, from its first bytes."""

from __future__ import annotations

import pytest

from anvil_site.listener.limits import Limits
from anvil_site.listener.protocol import PREFACE, MuxProtocol, is_http2, mux_protocol


def test_every_beginning_of_the_preface_is_undecided() -> None:
    for length in range(len(PREFACE)):
        assert is_http2(PREFACE[:length]) is None


def test_the_preface_and_what_follows() -> None:
    assert is_http2(PREFACE) is True
    assert is_http2(PREFACE + b"anything") is True


@pytest.mark.parametrize("start", [b"G", b"PR ", b"PUT / HTTP/1.1\r\n", PREFACE[:-1] + b"X", b"\x16\x03\x01"])
def test_anything_else_is_http1(start: bytes) -> None:
    assert is_http2(start) is False


def test_a_listener_has_bounds_of_its_own() -> None:
    bound = mux_protocol(Limits(max_streams=7))
    assert issubclass(bound, MuxProtocol)
    assert bound.limits.max_streams == 7
    assert MuxProtocol.limits == Limits()
    assert bound.census is not mux_protocol().census
