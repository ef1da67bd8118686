"""The key ring: what was sealed opens with the right key and context, and with nothing else."""

from __future__ import annotations

import pytest

from dataplane.contracts import Encryption
from dataplane.crypto.keys import KEY_BYTES, NONCE_BYTES, WRAPPED_KEY_BYTES, BrokenSeal, KeyRing
from dataplane.errors import EncryptionKeyMissing

OLD, NEW = b"o" * 32, b"n" * 32


def test_sealed_secret_opens_under_its_context() -> None:
    ring = KeyRing("one", {"one": OLD})
    key_id, sealed = ring.seal(b"secret", "credential:a")
    assert key_id == "one"
    assert b"secret" not in sealed
    assert ring.open(key_id, sealed, "credential:a") == b"secret"


@pytest.mark.parametrize("plain", [b"", b"x", b"y" * 100_000])
def test_any_size_round_trips(plain: bytes) -> None:
    ring = KeyRing("one", {"one": OLD})
    assert ring.open(*ring.seal(plain, "c"), "c") == plain


def test_sealing_twice_gives_different_bytes() -> None:
    ring = KeyRing("one", {"one": OLD})
    assert ring.seal(b"same", "c") != ring.seal(b"same", "c")


def test_another_context_does_not_open() -> None:
    ring = KeyRing("one", {"one": OLD})
    key_id, sealed = ring.seal(b"secret", "credential:a")
    with pytest.raises(BrokenSeal, match="credential:b"):
        ring.open(key_id, sealed, "credential:b")


@pytest.mark.parametrize("position", [0, NONCE_BYTES, -1])
def test_an_altered_byte_does_not_open(position: int) -> None:
    ring = KeyRing("one", {"one": OLD})
    key_id, sealed = ring.seal(b"secret", "c")
    broken = bytearray(sealed)
    broken[position] ^= 1
    with pytest.raises(BrokenSeal):
        ring.open(key_id, bytes(broken), "c")


def test_cut_bytes_do_not_open() -> None:
    ring = KeyRing("one", {"one": OLD})
    with pytest.raises(BrokenSeal, match="cut short"):
        ring.open("one", b"short", "c")


def test_rotation_opens_old_and_seals_new() -> None:
    key_id, sealed = KeyRing("old", {"old": OLD}).seal(b"secret", "c")
    rotated = KeyRing("new", {"new": NEW, "old": OLD})
    assert rotated.open(key_id, sealed, "c") == b"secret"
    assert rotated.seal(b"x", "c")[0] == "new"
    assert rotated.ids == {"old", "new"}


def test_a_key_that_is_gone_is_named() -> None:
    key_id, sealed = KeyRing("old", {"old": OLD}).seal(b"secret", "c")
    with pytest.raises(EncryptionKeyMissing, match="'old'"):
        KeyRing("new", {"new": NEW}).open(key_id, sealed, "c")


def test_same_id_with_another_key_does_not_open() -> None:
    key_id, sealed = KeyRing("one", {"one": OLD}).seal(b"secret", "c")
    with pytest.raises(BrokenSeal):
        KeyRing("one", {"one": NEW}).open(key_id, sealed, "c")


def test_data_keys_wrap_and_unwrap() -> None:
    ring = KeyRing("one", {"one": OLD})
    encryption = ring.wrap(b"d" * KEY_BYTES, b"blob")
    assert len(encryption.wrapped_key) == WRAPPED_KEY_BYTES
    assert ring.unwrap(encryption, b"blob") == b"d" * KEY_BYTES
    with pytest.raises(BrokenSeal):
        ring.unwrap(encryption, b"other")


def test_a_sealed_secret_is_no_data_key() -> None:
    ring = KeyRing("one", {"one": OLD})
    key_id, sealed = ring.seal(b"d" * KEY_BYTES, "blob")
    with pytest.raises(BrokenSeal):
        ring.unwrap(Encryption(key_id, sealed), b"blob")


def test_bad_rings_are_refused() -> None:
    with pytest.raises(ValueError, match="'two'"):
        KeyRing("two", {"one": OLD})
    with pytest.raises(ValueError, match="5 bytes"):
        KeyRing("one", {"one": b"short"})
    with pytest.raises(ValueError, match="must not be empty"):
        KeyRing("", {"": OLD})
    with pytest.raises(ValueError, match="32 bytes"):
        KeyRing("one", {"one": OLD}).wrap(b"short", b"")


def test_repr_shows_no_key() -> None:
    assert repr(KeyRing("one", {"one": OLD})) == "KeyRing(current_id='one', ids=['one'])"
