"""Checksums the engine makes itself: of what it re-reads, and of an object from those of its parts. Pure.

FULL_OBJECT checksums of CRCs are combined from the parts' without reading a byte; COMPOSITE ones are the
checksum of the parts' checksums, with `-N`. Values are base64, as on the wire.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

from awscrt import checksums as awscrt_checksums

from dataplane.checksums import RunningDigest, new_digest
from dataplane.contracts import Checksum, ChecksumAlgorithm, ChecksumType, PartRecord

_CRC_BYTES = {ChecksumAlgorithm.CRC32: 4, ChecksumAlgorithm.CRC32C: 4, ChecksumAlgorithm.CRC64NVME: 8}
_CRC_COMBINERS: dict[ChecksumAlgorithm, Callable[[int, int, int], int]] = {
    ChecksumAlgorithm.CRC32: awscrt_checksums.combine_crc32,
    ChecksumAlgorithm.CRC32C: awscrt_checksums.combine_crc32c,
    ChecksumAlgorithm.CRC64NVME: awscrt_checksums.combine_crc64nvme,
}


def result_of(algorithm: ChecksumAlgorithm, running: RunningDigest) -> Checksum:
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
    running = new_digest(algorithm)
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
