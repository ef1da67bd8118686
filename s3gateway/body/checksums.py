"""Checksums of a body: what the request's headers announce, and the running digests that prove it.

Pure: knows headers as plain strings and bytes as they come; no socket, no engine.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import Final

from dataplane.contracts import Checksum, ChecksumAlgorithm, ChecksumType
from s3gateway.errors import S3Error

CHECKSUM_HEADER_PREFIX: Final = "x-amz-checksum-"

DIGEST_BYTES: Final = {
    ChecksumAlgorithm.CRC32: 4,
    ChecksumAlgorithm.CRC32C: 4,
    ChecksumAlgorithm.CRC64NVME: 8,
    ChecksumAlgorithm.SHA1: 20,
    ChecksumAlgorithm.SHA256: 32,
}

HEADER_OF: Final = {algorithm: CHECKSUM_HEADER_PREFIX + algorithm.value for algorithm in ChecksumAlgorithm}
_ALGORITHM_OF_HEADER: Final = {header: algorithm for algorithm, header in HEADER_OF.items()}

DEFAULT_ALGORITHM: Final = ChecksumAlgorithm.CRC64NVME
"""What S3 computes on its own where the client sent no checksum."""

FULL_OBJECT_ALGORITHMS: Final = frozenset(
    (ChecksumAlgorithm.CRC32, ChecksumAlgorithm.CRC32C, ChecksumAlgorithm.CRC64NVME)
)


def encode_checksum(digest: bytes) -> str:
    return binascii.b2a_base64(digest, newline=False).decode("ascii")


def is_checksum_value(algorithm: ChecksumAlgorithm, value: str) -> bool:
    """Whether `value` is canonical base64 of as many bytes as the algorithm has."""
    return _decoded_length(value) == DIGEST_BYTES[algorithm]


def _decoded_length(value: str) -> int:
    try:
        return len(binascii.a2b_base64(value, strict_mode=True))
    except (binascii.Error, ValueError):
        return -1


@dataclass(frozen=True, slots=True)
class AnnouncedChecksum:
    """What the client promises: a value in the headers, or (value "") one in the trailer."""

    algorithm: ChecksumAlgorithm
    value: str = ""

    @property
    def in_trailer(self) -> bool:
        return not self.value


def parse_algorithm(value: str) -> ChecksumAlgorithm:
    """`x-amz-checksum-algorithm` or `x-amz-sdk-checksum-algorithm`, in any case of letters."""
    try:
        return ChecksumAlgorithm(value.lower())
    except ValueError:
        raise S3Error(
            "InvalidRequest",
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
            "[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
        ) from None


def announced_checksum(
    values: dict[str, str], *, trailer_header: str = "", sdk_algorithm: str = ""
) -> AnnouncedChecksum | None:
    """The one checksum that a request announces, or None.

    `values`: the `x-amz-checksum-*` headers as sent (lower-case names), without -type, -algorithm, -mode.
    Raises `S3Error` where several, an unknown one, or a malformed one is announced.
    """
    if not values and not trailer_header and not sdk_algorithm:
        return None
    for name in values:
        if name not in _ALGORITHM_OF_HEADER:
            raise S3Error("InvalidRequest", "The algorithm type you specified in x-amz-checksum- header is invalid.")
    if len(values) + bool(trailer_header) > 1:
        raise S3Error(
            "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    wanted = parse_algorithm(sdk_algorithm) if sdk_algorithm else None
    if trailer_header:
        algorithm = _ALGORITHM_OF_HEADER.get(trailer_header.strip().lower())
        if algorithm is None:
            raise S3Error("InvalidRequest", "The value specified in the x-amz-trailer header is not supported")
        announced = AnnouncedChecksum(algorithm)
    elif values:
        (name, value), = values.items()  # fmt: skip
        announced = AnnouncedChecksum(_ALGORITHM_OF_HEADER[name], _checked(name, value))
    else:
        raise S3Error(
            "InvalidRequest",
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers "
            "were found.",
        )
    if wanted is not None and wanted is not announced.algorithm:
        raise S3Error("InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.")
    return announced


def _checked(header: str, value: str) -> str:
    """A value that cannot be a checksum of its kind cannot be that of the body either."""
    if not is_checksum_value(_ALGORITHM_OF_HEADER[header], value):
        raise S3Error("BadDigest", f"Value for {header} header is invalid.")
    return value


def parse_content_md5(value: str) -> bytes:
    """The 16 bytes of a Content-MD5 header; `InvalidDigest` where it is not base64 of 16 bytes."""
    try:
        digest = binascii.a2b_base64(value, strict_mode=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != 16:
        raise S3Error("InvalidDigest", fields={"Content-MD5": value})
    return digest


def upload_checksum(algorithm_header: str, type_header: str) -> tuple[ChecksumAlgorithm, ChecksumType] | None:
    """Algorithm and type of a multipart upload from `x-amz-checksum-algorithm` and `-type`; None if not asked for."""
    kind: ChecksumType | None = None
    if type_header:
        try:
            kind = ChecksumType(type_header.upper())
        except ValueError:
            raise S3Error("InvalidRequest", "Value for x-amz-checksum-type header is invalid.") from None
    if not algorithm_header:
        if kind is not None:
            raise S3Error(
                "InvalidRequest",
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )
        return None
    algorithm = parse_algorithm(algorithm_header)
    if kind is None:
        kind = ChecksumType.FULL_OBJECT if algorithm is ChecksumAlgorithm.CRC64NVME else ChecksumType.COMPOSITE
    full = kind is ChecksumType.FULL_OBJECT
    if (full and algorithm not in FULL_OBJECT_ALGORITHMS) or (not full and algorithm is ChecksumAlgorithm.CRC64NVME):
        raise S3Error(
            "InvalidRequest",
            f"The {kind.value} checksum type cannot be used with the {algorithm.value} checksum algorithm.",
        )
    return algorithm, kind


def parse_object_checksum(header: str, value: str, kind: ChecksumType | None) -> Checksum:
    """A checksum of a whole multipart object as CompleteMultipartUpload announces it; composites end in `-N`."""
    algorithm = _ALGORITHM_OF_HEADER.get(header)
    if algorithm is None:
        raise S3Error("InvalidRequest", "The algorithm type you specified in x-amz-checksum- header is invalid.")
    plain, dash, count = value.partition("-")
    composite = bool(dash)
    if not is_checksum_value(algorithm, plain) or (composite and not (count.isascii() and count.isdecimal())):
        raise S3Error("BadDigest", f"Value for {header} header is invalid.")
    if kind is None:
        kind = ChecksumType.COMPOSITE if composite else ChecksumType.FULL_OBJECT
    return Checksum(algorithm, value, kind)
