"""Checksums the engine makes itself: of what it re-reads, and of an object from those of its parts. Pure.

FULL_OBJECT checksums of CRCs are combined from the parts' without reading a byte; COMPOSITE ones are the
checksum of the parts' checksums, with `-N`. Values are base64, as on the wire.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Sequence
from typing import Protocol

from awscrt import checksums as awscrt_checksums

from dataplane.contracts import Checksum, ChecksumAlgorithm, ChecksumType, PartRecord


class RunningChecksum(Protocol):
    """A `dataplane.ports.Digest` with a result."""

    parallel: bool

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Hash:
    parallel = True

    def __init__(self, name: str) -> None:
        self._hash = hashlib.new(name, usedforsecurity=False)

    def update(self, data: bytes, /) -> None:
        self._hash.update(data)

    def digest(self) -> bytes:
        return self._hash.digest()


class _Crc:
    parallel = False

    def __init__(self, function: Callable[[bytes, int], int], size_bytes: int) -> None:
        self._function = function
        self._size_bytes = size_bytes
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size_bytes, "big")


_CRC_BYTES = {ChecksumAlgorithm.CRC32: 4, ChecksumAlgorithm.CRC32C: 4, ChecksumAlgorithm.CRC64NVME: 8}
_CRC_FUNCTIONS: dict[ChecksumAlgorithm, Callable[[bytes, int], int]] = {
    # zlib's is twice as fast as the library's own.
    ChecksumAlgorithm.CRC32: zlib.crc32,
    ChecksumAlgorithm.CRC32C: awscrt_checksums.crc32c,
    ChecksumAlgorithm.CRC64NVME: awscrt_checksums.crc64nvme,
}
_CRC_COMBINERS: dict[ChecksumAlgorithm, Callable[[int, int, int], int]] = {
    ChecksumAlgorithm.CRC32: awscrt_checksums.combine_crc32,
    ChecksumAlgorithm.CRC32C: awscrt_checksums.combine_crc32c,
    ChecksumAlgorithm.CRC64NVME: awscrt_checksums.combine_crc64nvme,
}


def new_md5() -> RunningChecksum:
    return _Hash("md5")


def new_checksum(algorithm: ChecksumAlgorithm) -> RunningChecksum:
    if algorithm in _CRC_FUNCTIONS:
        return _Crc(_CRC_FUNCTIONS[algorithm], _CRC_BYTES[algorithm])
    return _Hash(algorithm.value)


def result_of(algorithm: ChecksumAlgorithm, running: RunningChecksum) -> Checksum:
    return Checksum(algorithm, base64.b64encode(running.digest()).decode())


def default_type(algorithm: ChecksumAlgorithm) -> ChecksumType:
    """The type of a multipart upload that named an algorithm only."""
    return ChecksumType.FULL_OBJECT if algorithm is ChecksumAlgorithm.CRC64NVME else ChecksumType.COMPOSITE


def can_be(algorithm: ChecksumAlgorithm, kind: ChecksumType) -> bool:
    """Whether multipart uploads may have this pair: SHAs cannot be combined, CRC64NVME is never composite."""
    if kind is ChecksumType.FULL_OBJECT:
        return algorithm in _CRC_COMBINERS
    return algorithm is not ChecksumAlgorithm.CRC64NVME


def of_parts(algorithm: ChecksumAlgorithm, kind: ChecksumType, parts: Sequence[PartRecord]) -> Checksum | None:
    """The object's checksum, or None where a part has none of this algorithm."""
    digests: list[bytes] = []
    for part in parts:
        if part.checksum is None or part.checksum.algorithm is not algorithm:
            return None
        digests.append(base64.b64decode(part.checksum.value))
    if kind is ChecksumType.FULL_OBJECT:
        return _combined(algorithm, parts, digests)
    running = new_checksum(algorithm)
    running.update(b"".join(digests))
    value = base64.b64encode(running.digest()).decode()
    return Checksum(algorithm, f"{value}-{len(parts)}", ChecksumType.COMPOSITE)


def _combined(algorithm: ChecksumAlgorithm, parts: Sequence[PartRecord], digests: Sequence[bytes]) -> Checksum:
    combine = _CRC_COMBINERS[algorithm]
    value = 0
    for part, digest in zip(parts, digests, strict=True):
        value = combine(value, int.from_bytes(digest, "big"), part.size)
    encoded = base64.b64encode(value.to_bytes(_CRC_BYTES[algorithm], "big")).decode()
    return Checksum(algorithm, encoded, ChecksumType.FULL_OBJECT)
