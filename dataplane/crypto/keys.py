"""The server's key ring: seals small secrets at rest and wraps the data keys of objects.

Every ring key is 32 bytes and has an id that is stored beside what it sealed, so keys can be rotated: the
current key seals, any known key opens. Two subkeys are derived from each ring key (HKDF-SHA256), one per
purpose, so that a sealed secret can never be taken for a wrapped data key or the other way round. Both use
AES-256-GCM with a random 96-bit nonce: one ring key may seal at most 2**32 things, far more than a
node seals between rotations.

Must not know: where keys come from (options do), what is sealed, any file or database.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dataplane.contracts import Encryption
from dataplane.errors import EncryptionKeyMissing

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
WRAPPED_KEY_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES

_SECRET_PURPOSE = b"anvil/v1/sealed-secret"
_DATA_KEY_PURPOSE = b"anvil/v1/wrapped-data-key"


class BrokenSeal(ValueError):
    """Sealed bytes that do not open: altered, cut, sealed for another context or under another key."""


class KeyRing:
    """Immutable after construction; safe to use from any thread."""

    def __init__(self, current_id: str, keys: Mapping[str, bytes]) -> None:
        """`keys` maps key ids to 32 bytes each; `current_id` names the one that seals from now on."""
        if current_id not in keys:
            raise ValueError(f"the current key id {current_id!r} is not among the key ids {sorted(keys)}")
        for key_id, key in keys.items():
            if not key_id:
                raise ValueError("a key id must not be empty")
            if len(key) != KEY_BYTES:
                raise ValueError(f"key {key_id!r} has {len(key)} bytes; {KEY_BYTES} are needed")
        self._current_id = current_id
        self._secret_keys = {key_id: _derive(key, _SECRET_PURPOSE) for key_id, key in keys.items()}
        self._wrapping_keys = {key_id: _derive(key, _DATA_KEY_PURPOSE) for key_id, key in keys.items()}

    def __repr__(self) -> str:
        return f"KeyRing(current_id={self._current_id!r}, ids={sorted(self._secret_keys)})"

    @property
    def current_id(self) -> str:
        return self._current_id

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(self._secret_keys)

    def seal(self, plain: bytes, context: str) -> tuple[str, bytes]:
        """Seals `plain` under the current key: (key id, nonce + ciphertext + tag).

        `context` says what and whose it is, e.g. `credential:AKIA...`; it is authenticated and not stored,
        so sealed bytes moved to another row do not open there.
        """
        return self._current_id, _seal(self._secret_keys[self._current_id], plain, context.encode())

    def open(self, key_id: str, sealed: bytes, context: str) -> bytes:
        """The plain bytes. Raises `EncryptionKeyMissing` or `BrokenSeal`."""
        return _open(_known(self._secret_keys, key_id), sealed, context.encode(), f"the secret {context!r}")

    def wrap(self, data_key: bytes, binding: bytes) -> Encryption:
        """Wraps an object's data key under the current key; `binding` (say, the blob id) must be given to unwrap."""
        if len(data_key) != KEY_BYTES:
            raise ValueError(f"a data key has {KEY_BYTES} bytes, not {len(data_key)}")
        return Encryption(self._current_id, _seal(self._wrapping_keys[self._current_id], data_key, binding))

    def unwrap(self, encryption: Encryption, binding: bytes) -> bytes:
        """The data key. Raises `EncryptionKeyMissing` or `BrokenSeal`."""
        key = _known(self._wrapping_keys, encryption.key_id)
        return _open(key, encryption.wrapped_key, binding, "a wrapped data key")


def _derive(key: bytes, purpose: bytes) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(key))


def _known(keys: Mapping[str, AESGCM], key_id: str) -> AESGCM:
    key = keys.get(key_id)
    if key is None:
        raise EncryptionKeyMissing(key_id)
    return key


def _seal(key: AESGCM, plain: bytes, associated: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + key.encrypt(nonce, plain, associated)


def _open(key: AESGCM, sealed: bytes, associated: bytes, what: str) -> bytes:
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise BrokenSeal(f"{what} is cut short: {len(sealed)} bytes are too few to be sealed bytes")
    try:
        return key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)
    except InvalidTag:
        raise BrokenSeal(f"{what} does not open: it was altered or sealed under another key or context") from None
