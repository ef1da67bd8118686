"""Running digests of bodies: the hashes and CRCs of S3. Pure.

Each is a `dataplane.ports.Digest` with a result; `parallel` ones are worth a worker thread on large bodies.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from typing import Protocol

from awscrt.checksums import crc32c as _awscrt_crc32c
from awscrt.checksums import crc64nvme as _awscrt_crc64nvme

from dataplane.contracts import ChecksumAlgorithm


class HashDigest:
    """MD5, SHA-1 or SHA-256; worth a thread on large bodies (hashlib releases the GIL)."""

    parallel = True
    __slots__ = ("_hash", "update")

    def __init__(self, name: str) -> None:
        self._hash = hashlib.new(name, usedforsecurity=False)
        self.update: Callable[[bytes], None] = self._hash.update

    def digest(self) -> bytes:
        return self._hash.digest()

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


class Md5Digest(HashDigest):
    __slots__ = ()

    def __init__(self) -> None:
        self._hash = hashlib.md5(usedforsecurity=False)
        self.update = self._hash.update


class Sha256Digest(HashDigest):
    __slots__ = ()

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.update = self._hash.update


class Crc32Digest:
    parallel = False
    __slots__ = ("_value",)

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


class Crc32cDigest:
    parallel = False
    __slots__ = ("_value",)

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = _awscrt_crc32c(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


class Crc64NvmeDigest:
    parallel = False
    __slots__ = ("_value",)

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = _awscrt_crc64nvme(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(8, "big")


class RunningDigest(Protocol):
    parallel: bool

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


def new_digest(algorithm: ChecksumAlgorithm) -> RunningDigest:
    match algorithm:
        case ChecksumAlgorithm.CRC32:
            return Crc32Digest()
        case ChecksumAlgorithm.CRC32C:
            return Crc32cDigest()
        case ChecksumAlgorithm.CRC64NVME:
            return Crc64NvmeDigest()
        case ChecksumAlgorithm.SHA1:
            return HashDigest("sha1")
        case ChecksumAlgorithm.SHA256:
            return Sha256Digest()
