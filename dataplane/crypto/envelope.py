"""Encryption of bodies: one random data key a body, wrapped by the key ring, AES-256-GCM per segment.

What binds what:

- The data key is wrapped with the body's id as associated data (`INLINE_BINDING` for bodies kept in the
  version row), so the key of one body cannot be put beside another.
- Segment i is sealed with nonce i (96 bits, big endian; the key is used for this body alone, so no nonce
  repeats) and with associated data `binding + b"\\x00"`, the last segment with `binding + b"\\x01"`. So a
  segment moved to another place or another body, and a body cut short at a segment, do not open. The number
  of segments itself is not needed to seal: a body whose length is unknown can be streamed.
- A sealed segment is `TAG_BYTES` longer than the plain one.

Must not know: segments' sizes, files, coding.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dataplane.contracts import Encryption, InlineBody
from dataplane.crypto.keys import KEY_BYTES, NONCE_BYTES, TAG_BYTES, BrokenSeal, KeyRing

__all__ = ["INLINE_BINDING", "TAG_BYTES", "Envelope", "SegmentCipher"]

INLINE_BINDING = b"anvil/v1/inline"
"""Inline bodies are bound to nothing but being one: a copy takes the sealed bytes as they are."""


class SegmentCipher:
    """Seals and opens the segments of one body. Safe to use from any thread."""

    __slots__ = ("_inner", "_key", "_last")

    def __init__(self, data_key: bytes, binding: bytes) -> None:
        self._key = AESGCM(data_key)
        self._inner = binding + b"\x00"
        self._last = binding + b"\x01"

    def seal(self, index: int, plain: bytes | memoryview, *, last: bool) -> bytes:
        return self._key.encrypt(index.to_bytes(NONCE_BYTES, "big"), plain, self._last if last else self._inner)

    def open(self, index: int, sealed: bytes | bytearray | memoryview, *, last: bool) -> bytes:
        """The plain segment. Raises `BrokenSeal` where anything at all is not as it was sealed."""
        try:
            return self._key.decrypt(index.to_bytes(NONCE_BYTES, "big"), sealed, self._last if last else self._inner)
        except InvalidTag:
            raise BrokenSeal(f"segment {index} does not open: altered, moved or cut, or not the key's") from None


class Envelope:
    """Makes and opens the encryption of bodies under a key ring."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def create(self, binding: bytes) -> tuple[Encryption, SegmentCipher]:
        data_key = os.urandom(KEY_BYTES)
        return self._ring.wrap(data_key, binding), SegmentCipher(data_key, binding)

    def cipher(self, encryption: Encryption, binding: bytes) -> SegmentCipher:
        """Raises `EncryptionKeyMissing` or `BrokenSeal`."""
        return SegmentCipher(self._ring.unwrap(encryption, binding), binding)

    def seal_inline(self, plain: bytes) -> InlineBody:
        encryption, cipher = self.create(INLINE_BINDING)
        return InlineBody(cipher.seal(0, plain, last=True), encryption)

    def open_inline(self, body: InlineBody) -> bytes:
        """The plain bytes of an inline body, sealed or not. Raises `EncryptionKeyMissing` or `BrokenSeal`."""
        if body.encryption is None:
            return body.data
        return self.cipher(body.encryption, INLINE_BINDING).open(0, body.data, last=True)
