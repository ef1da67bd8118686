"""gRPC over HTTP/2 as bytes: metadata, timeouts, message framing, statuses (gRPC's PROTOCOL-HTTP2). Pure.

Must not know `grpc` the library, streams or the network.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from urllib.parse import quote, unquote_to_bytes

Metadata = list[tuple[str, str | bytes]]
Headers = list[tuple[bytes, bytes]]

INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE = 3, 8, 12, 13, 14
"""Statuses that the bridge gives by itself, as numbers of the protocol."""

_NOT_METADATA = frozenset(
    (b"te", b"content-type", b"content-length", b"host", b"user-agent", b"accept-encoding", b"expect", b"connection")
)
_KEPT_RESERVED = frozenset((b"grpc-status-details-bin",))
_TIMEOUT_UNITS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_TIMEOUT_DIGITS = 8
PREFIX_BYTES = 5
_MESSAGE_SAFE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


class GrpcRefusal(Exception):
    """The call ends here with this status; its server is not asked."""

    def __init__(self, code: int, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


def is_grpc(content_type: bytes) -> bool:
    """application/grpc and its +proto; not grpc-web, which is another protocol."""
    return content_type[:16] == b"application/grpc" and content_type[16:17] in (b"", b"+", b";")


def speaks_proto(content_type: bytes) -> bool:
    return content_type[16:].partition(b";")[0] in (b"", b"+proto")


def timeout_seconds(value: bytes) -> float:
    digits, unit = value[:-1], value[-1:]
    if not digits.isdigit() or len(digits) > _TIMEOUT_DIGITS or unit not in _TIMEOUT_UNITS:
        raise GrpcRefusal(INTERNAL, f"grpc-timeout {value!r} is not a number of at most 8 digits and a unit")
    return int(digits) * _TIMEOUT_UNITS[unit]


def decode_metadata(headers: Headers) -> Metadata:
    """The caller's own metadata: no HTTP headers and none of gRPC's reserved ones."""
    metadata: Metadata = []
    for name, value in headers:
        if name in _NOT_METADATA or (name.startswith(b"grpc-") and name not in _KEPT_RESERVED):
            continue
        key = name.decode("ascii")
        if key.endswith("-bin"):
            metadata.extend((key, _decode_binary(key, part)) for part in value.split(b","))
        elif not value.isascii() or not value.decode("ascii").isprintable():
            raise GrpcRefusal(INTERNAL, f"the value of metadata {key!r} is not printable ASCII")
        else:
            metadata.append((key, value.decode("ascii")))
    return metadata


def _decode_binary(key: str, value: bytes) -> bytes:
    text = value.strip().rstrip(b"=")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise GrpcRefusal(INTERNAL, f"the value of metadata {key!r} is not base64") from error


def encode_metadata(metadata: Iterable[tuple[str, str | bytes]]) -> Headers:
    headers: Headers = []
    for key, value in metadata:
        name = key.encode("ascii").lower()
        if name.startswith(b"grpc-") and name not in _KEPT_RESERVED:
            continue
        raw = value if isinstance(value, bytes) else value.encode("ascii")
        headers.append((name, base64.b64encode(raw).rstrip(b"=") if name.endswith(b"-bin") else raw))
    return headers


def status_trailers(code: int, details: str) -> Headers:
    headers = [(b"grpc-status", b"%d" % code)]
    if details:
        headers.append((b"grpc-message", quote(details, safe=_MESSAGE_SAFE).encode("ascii")))
    return headers


def decode_status_message(value: bytes) -> str:
    """The reverse of what `status_trailers` does to details; for tests and clients."""
    return unquote_to_bytes(value).decode("utf-8", "replace")


def frame_message(message: bytes) -> bytes:
    return b"".join((b"\0", len(message).to_bytes(4), message))


class MessageReader:
    """Cuts a request body into messages, one after the other, each at most `limit_bytes`."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        self._buffer += data
        buffer, position, end = self._buffer, 0, len(self._buffer)
        messages: list[bytes] = []
        while end - position >= PREFIX_BYTES:
            if buffer[position]:
                raise GrpcRefusal(UNIMPLEMENTED, "compressed messages are not supported; use the identity encoding")
            length = int.from_bytes(buffer[position + 1 : position + PREFIX_BYTES])
            if length > self._limit_bytes:
                raise GrpcRefusal(
                    RESOURCE_EXHAUSTED, f"a message of {length} bytes, at most {self._limit_bytes} are allowed"
                )
            begin = position + PREFIX_BYTES
            if end - begin < length:
                break
            position = begin + length
            messages.append(bytes(memoryview(buffer)[begin:position]))
        if position:
            del buffer[:position]
        return messages

    def finish(self) -> None:
        if self._buffer:
            raise GrpcRefusal(INTERNAL, f"the request ends inside a message, after {len(self._buffer)} bytes of it")
