"""The aws-chunked framing as a push decoder: wire bytes in, plain bytes and chunk marks out.

Pure: knows no socket, no clock, no key. Chunk signatures are checked by whoever holds the key, through
`ChunkVerifier`; `ChunkSignatures` pairs the marks that the decoder leaves with the plain bytes.

    signed              <hex size>;chunk-signature=<64 hex>\r\n <data>\r\n ... 0;chunk-signature=<..>\r\n \r\n
    signed + trailer    ... 0;chunk-signature=<..>\r\n name:value\r\n x-amz-trailer-signature:<64 hex>\r\n \r\n
    unsigned + trailer  <hex size>\r\n <data>\r\n ... 0\r\n name:value\r\n \r\n
    unsigned            <hex size>\r\n <data>\r\n ... 0\r\n \r\n

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and .../sigv4-streaming-trailers.html.
What is decoded does not depend on how the wire bytes are split over `feed` calls.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Collection
from typing import Final, Protocol

from s3gateway.errors import S3Error

MAX_LINE_BYTES: Final = 1024
"""Longest chunk header or trailer line; a signed chunk header has 101 bytes, a sha256 trailer 67."""

MAX_TRAILERS: Final = 8
"""Trailer lines in one body; S3 defines one checksum and one signature."""

MIN_CHUNK_BYTES: Final = 8192
"""Every chunk but the last must have as many bytes: S3's own rule, and our bound on signatures per byte."""

_SIGNED_HEADER: Final = re.compile(rb"([0-9a-fA-F]{1,16});chunk-signature=([0-9a-f]{64})\r\n")
_UNSIGNED_HEADER: Final = re.compile(rb"([0-9a-fA-F]{1,16})\r\n")
_TRAILER: Final = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?[ \t]*\r?\n"
)
_TRAILER_SIGNATURE: Final = "x-amz-trailer-signature"

_HEADER, _DATA, _DATA_END, _TRAILERS, _DONE = range(5)


class ChunkVerifier(Protocol):
    """Holds the signing key and the signature before; each call advances it. False: the signature is wrong."""

    def verify_chunk(self, sha256_hex: str, signature: bytes) -> bool: ...

    def verify_trailer(self, canonical_trailer: bytes, signature: bytes) -> bool: ...


def _incomplete(reason: str) -> S3Error:
    return S3Error("IncompleteBody", f"The request body terminated unexpectedly: {reason}.")


def _length_mismatch(announced_bytes: int, found_bytes: int) -> S3Error:
    return S3Error(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header: "
        f"{announced_bytes} were announced, the chunks hold {found_bytes}.",
    )


def _malformed_trailer() -> S3Error:
    return S3Error("MalformedTrailerError")


class ChunkedDecoder:
    """Decodes one body. `feed` returns plain slices; `close` says whether the body was whole.

    `marks` gains `(end offset in plain bytes, signature)` of every signed chunk, before any of its bytes is returned.
    """

    __slots__ = (
        "_announced", "_chunks", "_decoded_length", "_last_size", "_left", "_lines", "_partial", "_signed", "_state",
        "_total", "_trailers_signed", "_wanted", "marks", "trailer_signature", "trailers",
    )  # fmt: skip

    def __init__(self, *, decoded_length: int, signed: bool, trailers: Collection[str] = (), trailer: bool = False):
        """`trailers`: lower-case names that `x-amz-trailer` announced. `trailer`: the form has a trailer section."""
        self._decoded_length = decoded_length
        self._signed = signed
        self._trailers_signed = signed and trailer
        self._wanted = frozenset(trailers)
        self._state = _HEADER
        self._partial = b""
        self._left = 0
        self._last_size = MIN_CHUNK_BYTES
        self._chunks = 0
        self._total = 0
        self._lines = 0
        self.marks: deque[tuple[int, bytes]] = deque()
        self.trailers: dict[str, str] = {}
        self.trailer_signature = b""

    @property
    def finished(self) -> bool:
        return self._state == _DONE

    def feed(self, data: bytes) -> list[memoryview]:
        """The plain bytes in `data`, as slices of it. Raises `S3Error` at the first byte that is wrong."""
        out: list[memoryview] = []
        view = memoryview(data)
        position, end = 0, len(data)
        while position < end:
            if self._state == _DATA:
                stop = min(end, position + self._left)
                out.append(view[position:stop])
                self._left -= stop - position
                position = stop
                if not self._left:
                    self._state = _DATA_END
                continue
            if self._state == _DONE:
                raise _incomplete("bytes follow the end of the aws-chunked framing")
            line_end = data.find(b"\n", position, position + MAX_LINE_BYTES) + 1
            if not line_end:
                self._keep(data[position : position + MAX_LINE_BYTES])
                break
            line = self._partial + data[position:line_end]
            self._partial = b""
            position = line_end
            self._line(line)
        return out

    def close(self) -> None:
        """The wire has no more bytes."""
        if self._state != _DONE:
            raise _incomplete(f"it ends inside the aws-chunked framing, after {self._total - self._left} bytes")

    def _keep(self, rest: bytes) -> None:
        self._partial += rest
        if len(self._partial) >= MAX_LINE_BYTES:
            raise _incomplete(f"a chunk header or trailer line is longer than {MAX_LINE_BYTES} bytes")

    def _line(self, line: bytes) -> None:
        if len(line) > MAX_LINE_BYTES:
            raise _incomplete(f"a chunk header or trailer line is longer than {MAX_LINE_BYTES} bytes")
        if self._state == _HEADER:
            self._header(line)
        elif self._state == _DATA_END:
            if line != b"\r\n":
                raise _incomplete(f"chunk {self._chunks} is not followed by CRLF")
            self._state = _HEADER
        else:
            self._trailer(line)

    def _header(self, line: bytes) -> None:
        match = (_SIGNED_HEADER if self._signed else _UNSIGNED_HEADER).fullmatch(line)
        if match is None:
            raise _incomplete(f"the header of chunk {self._chunks + 1} is malformed")
        size = int(match[1], 16)
        self._chunks += 1
        if size and self._last_size < MIN_CHUNK_BYTES:
            raise S3Error(
                "InvalidChunkSizeError",
                fields={"Chunk": str(self._chunks), "BadChunkSize": str(self._last_size)},
            )
        self._total += size
        if self._total > self._decoded_length:
            raise _length_mismatch(self._decoded_length, self._total)
        if self._signed:
            self.marks.append((self._total, match[2]))
        self._last_size = self._left = size
        if size:
            self._state = _DATA
            return
        if self._total != self._decoded_length:
            raise _length_mismatch(self._decoded_length, self._total)
        self._state = _TRAILERS

    def _trailer(self, line: bytes) -> None:
        if line in (b"\r\n", b"\n"):
            # Some signers write an empty line between the trailers and their signature, as the AWS page shows it.
            if self._trailers_signed and self.trailers and not self.trailer_signature and self._lines < MAX_TRAILERS:
                self._lines += 1
                return
            self._finish()
            return
        self._lines += 1
        match = _TRAILER.fullmatch(line)
        if match is None or self._lines > MAX_TRAILERS:
            raise _malformed_trailer()
        name, value = match[1].decode().lower(), (match[2] or b"").decode()
        if name == _TRAILER_SIGNATURE and self._trailers_signed and not self.trailer_signature:
            self.trailer_signature = value.encode()
        elif name in self._wanted and name not in self.trailers and not self.trailer_signature:
            self.trailers[name] = value
        else:
            raise _malformed_trailer()

    def _finish(self) -> None:
        if self.trailers.keys() != self._wanted:
            raise _malformed_trailer()
        if self._trailers_signed and not self.trailer_signature:
            raise _malformed_trailer()
        self._state = _DONE

    def canonical_trailer(self) -> bytes:
        """The trailers as they were signed: `name:value\\n` each, in the order sent."""
        return "".join(f"{name}:{value}\n" for name, value in self.trailers.items()).encode()


class ChunkSignatures:
    """A digest that checks each chunk's signature as soon as its last plain byte was fed.

    It is fed like any other digest (worth a thread: it is a SHA-256 of everything); `failed` turns true at the
    first wrong signature and stays true, `settle` checks what has no bytes: the final chunk and the trailer.
    """

    parallel = True
    __slots__ = ("_decoder", "_hash", "_position", "_verifier", "failed")

    def __init__(self, decoder: ChunkedDecoder, verifier: ChunkVerifier) -> None:
        self._decoder = decoder
        self._verifier = verifier
        self._hash = hashlib.sha256()
        self._position = 0
        self.failed = False

    def update(self, data: bytes | memoryview, /) -> None:
        marks = self._decoder.marks
        view = memoryview(data)
        while view and not self.failed:
            end, signature = marks[0]
            part = view[: end - self._position]
            self._hash.update(part)
            self._position += len(part)
            view = view[len(part) :]
            if self._position == end:
                marks.popleft()
                self._check(signature)

    def settle(self) -> bool:
        """True where every chunk and the trailer were signed rightly; call once, after the last byte."""
        for _, signature in tuple(self._decoder.marks):
            self._check(signature)
        if self._decoder.trailer_signature and not self.failed:
            self.failed = not self._verifier.verify_trailer(
                self._decoder.canonical_trailer(), self._decoder.trailer_signature
            )
        return not self.failed

    def _check(self, signature: bytes) -> None:
        if not self.failed:
            self.failed = not self._verifier.verify_chunk(self._hash.hexdigest(), signature)
        self._hash = hashlib.sha256()
