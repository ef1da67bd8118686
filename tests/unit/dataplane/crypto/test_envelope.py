"""Bodies sealed per segment: each opens in its own place, in its own body, and nowhere else."""

from __future__ import annotations

import pytest

from dataplane.contracts import InlineBody
from dataplane.crypto.envelope import INLINE_BINDING, TAG_BYTES, Envelope
from dataplane.crypto.keys import BrokenSeal, KeyRing

RING = KeyRing("one", {"one": b"o" * 32})


def test_segments_round_trip() -> None:
    envelope = Envelope(RING)
    encryption, sealing = envelope.create(b"blob")
    sealed = [sealing.seal(i, f"segment {i}".encode(), last=i == 2) for i in range(3)]
    assert all(len(s) == len("segment 0") + TAG_BYTES for s in sealed)
    opening = envelope.cipher(encryption, b"blob")
    assert [opening.open(i, sealed[i], last=i == 2) for i in range(3)] == [b"segment 0", b"segment 1", b"segment 2"]


def test_a_segment_opens_in_its_place_only() -> None:
    _, cipher = Envelope(RING).create(b"blob")
    sealed = cipher.seal(1, b"text", last=False)
    assert cipher.open(1, memoryview(sealed), last=False) == b"text"
    with pytest.raises(BrokenSeal, match="segment 2"):
        cipher.open(2, sealed, last=False)


def test_a_cut_body_does_not_open() -> None:
    """An inner segment is not taken for the last one: dropping the tail is noticed."""
    _, cipher = Envelope(RING).create(b"blob")
    with pytest.raises(BrokenSeal):
        cipher.open(0, cipher.seal(0, b"text", last=False), last=True)


def test_a_key_opens_its_own_body_only() -> None:
    envelope = Envelope(RING)
    encryption, _ = envelope.create(b"blob")
    with pytest.raises(BrokenSeal):
        envelope.cipher(encryption, b"other blob")


def test_an_altered_segment_does_not_open() -> None:
    _, cipher = Envelope(RING).create(b"blob")
    sealed = bytearray(cipher.seal(0, b"text", last=True))
    sealed[0] ^= 1
    with pytest.raises(BrokenSeal):
        cipher.open(0, sealed, last=True)


@pytest.mark.parametrize("plain", [b"", b"x", b"y" * 70_000])
def test_inline_bodies_round_trip(plain: bytes) -> None:
    envelope = Envelope(RING)
    body = envelope.seal_inline(plain)
    assert body.encryption is not None
    assert len(plain) < 16 or plain not in body.data  # a short text may stand in any random bytes
    assert envelope.open_inline(body) == plain
    assert envelope.open_inline(InlineBody(plain)) == plain


def test_two_bodies_never_share_a_key() -> None:
    envelope = Envelope(RING)
    assert envelope.seal_inline(b"same").data != envelope.seal_inline(b"same").data


def test_an_inline_key_opens_no_blob() -> None:
    envelope = Envelope(RING)
    body = envelope.seal_inline(b"text")
    assert body.encryption is not None
    assert RING.unwrap(body.encryption, INLINE_BINDING)
    with pytest.raises(BrokenSeal):
        envelope.cipher(body.encryption, b"blob")
