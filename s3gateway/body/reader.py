"""`RequestBody`: the plain bytes of a request, in order, once, and the proof that they are what the client sent.

Implements `dataplane.ports.Body` over `RequestStream`: takes aws-chunked framing off, holds the announced length,
names the digests that the consumer must feed, and compares everything in `finish`. Until `finish` returned, nothing of
the body may be committed. Time is watched by the stream's owner. Must not know: operations, how a caller was verified.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from dataplane.checksums import Md5Digest, RunningDigest, Sha256Digest, new_digest
from dataplane.contracts import Checksum, ChecksumAlgorithm
from dataplane.errors import EntityTooLarge
from dataplane.ports import Digest
from s3gateway.auth.payload import PayloadAuthentication, PayloadKind
from s3gateway.body.aws_chunked import ChunkedDecoder, ChunkSignatures
from s3gateway.body.checksums import (
    DEFAULT_ALGORITHM,
    HEADER_OF,
    AnnouncedChecksum,
    announced_checksum,
    encode_checksum,
    is_checksum_value,
    parse_content_md5,
)
from s3gateway.errors import S3Error
from s3gateway.request import S3Request, header_text
from s3gateway.settings import GatewaySettings
from s3gateway.stream import RequestStream

_CHECKSUM_PREFIX: Final = b"x-amz-checksum-"
_NO_CHECKSUM_VALUES: Final = frozenset((b"x-amz-checksum-algorithm", b"x-amz-checksum-type", b"x-amz-checksum-mode"))
_MAX_LENGTH_DIGITS: Final = 18


class RequestBody:
    """One body. `expect_object` or `read_all` first says what it is for; `digests` alone means an object.

    `delimited`: the transport says where the body ends, so that its length need not be announced.
    """

    __slots__ = (
        "_announced", "_checksum", "_content_md5", "_decoder", "_delimited", "_digests", "_ended", "_max_bytes", "_md5",
        "_payload", "_received", "_running", "_sha256", "_signatures", "_stored", "_stream", "length",
    )  # fmt: skip

    def __init__(
        self,
        stream: RequestStream,
        *,
        length: int | None,
        max_bytes: int,
        payload: PayloadAuthentication,
        delimited: bool = True,
        decoder: ChunkedDecoder | None = None,
        announced: AnnouncedChecksum | None = None,
        content_md5: bytes = b"",
    ) -> None:
        self._stream = stream
        self._delimited = delimited
        self.length = length
        self._max_bytes = max_bytes
        self._payload = payload
        self._decoder = decoder
        self._signatures: ChunkSignatures | None = None
        if decoder is not None and payload.signer is not None:
            self._signatures = ChunkSignatures(decoder, payload.signer)
        self._announced = announced
        self._content_md5 = content_md5
        self._digests: list[Digest] | None = None
        self._running: dict[ChecksumAlgorithm, RunningDigest] = {}
        self._md5: Md5Digest | None = None
        self._sha256: Sha256Digest | None = None
        self._stored: ChecksumAlgorithm | None = None
        self._checksum: Checksum | None = None
        self._received = 0
        self._ended = False

    @property
    def announced(self) -> ChecksumAlgorithm | None:
        """The additional checksum that the client sent or will send in the trailer."""
        return None if self._announced is None else self._announced.algorithm

    @property
    def vouched_for(self) -> bool:
        """Whether anything will prove that the bytes are the client's: a digest, a checksum or a signature of them."""
        return bool(self._content_md5) or self._announced is not None or self._payload.kind is not PayloadKind.UNSIGNED

    # ------------------------------------------------------------ what it is for

    def expect_object(self, stored: ChecksumAlgorithm | None = None) -> None:
        """The body is an object or a part: MD5 makes its ETag, and one checksum is kept.

        `stored`: the checksum to keep, whatever the client sent; without it the client's, or CRC64NVME.
        Raises `MissingContentLength`, `EntityTooLarge`.
        """
        if self.length is None:
            if not self._delimited:
                raise S3Error("MissingContentLength")
        elif self.length > self._max_bytes:
            raise EntityTooLarge(self.length, self._max_bytes)
        self._md5 = Md5Digest()
        self._stored = stored or self.announced or DEFAULT_ALGORITHM
        self._choose_digests()

    async def read_all(self, limit_bytes: int) -> bytes:
        """The whole body, at most `limit_bytes`, verified: for documents."""
        if self.length is not None and self.length > limit_bytes:
            raise S3Error("MaxMessageLengthExceeded", fields={"MaxMessageLengthBytes": str(limit_bytes)})
        if self._content_md5:
            self._md5 = Md5Digest()
        self._choose_digests()
        pieces = []
        async for piece in self.pieces():
            if self._received > limit_bytes:
                raise S3Error("MaxMessageLengthExceeded", fields={"MaxMessageLengthBytes": str(limit_bytes)})
            pieces.append(piece)
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        for digest in self.digests:
            digest.update(data)
        self.finish()
        return data

    def _choose_digests(self) -> None:
        digests: list[Digest] = []
        if self._md5 is not None:
            digests.append(self._md5)
        if self._payload.kind is PayloadKind.SIGNED:
            self._sha256 = Sha256Digest()
            digests.append(self._sha256)
        for algorithm in (self._stored, self.announced):
            if algorithm is None or algorithm in self._running:
                continue
            if algorithm is ChecksumAlgorithm.SHA256 and self._sha256 is not None:
                self._running[algorithm] = self._sha256
                continue
            digest = self._running[algorithm] = new_digest(algorithm)
            digests.append(digest)
        if self._signatures is not None:
            digests.append(self._signatures)
        self._digests = digests

    # ------------------------------------------------------------ ports.Body

    @property
    def digests(self) -> Sequence[Digest]:
        if self._digests is None:
            self.expect_object()
            assert self._digests is not None
        return self._digests

    async def pieces(self) -> AsyncIterator[bytes]:
        """Plain bytes as they come. Raises `S3Error` where framing, length or a chunk's signature is wrong."""
        if self._digests is None:
            self.expect_object()
        read, length, decoder = self._stream.read, self.length, self._decoder
        if decoder is None:
            limit = self._max_bytes if length is None else length
            while piece := await read():
                self._received += len(piece)
                if self._received > limit:
                    raise EntityTooLarge(self._received, limit) if length is None else self._wrong_length()
                yield piece
            if length is not None and self._received != length:
                raise self._wrong_length()
        else:
            while wire := await read():
                plain = decoder.feed(wire)
                if self._signatures is not None and self._signatures.failed:
                    raise S3Error("SignatureDoesNotMatch")
                if plain:
                    piece = b"".join(plain)
                    self._received += len(piece)
                    yield piece
            decoder.close()
        self._ended = True

    def finish(self) -> RequestBody:
        """Compares all that was announced; the answer has `md5_hex` and `checksum`. Raises `S3Error`."""
        if not self._ended:
            raise self._wrong_length()
        if self._signatures is not None and not self._signatures.settle():
            raise S3Error("SignatureDoesNotMatch")
        if self._sha256 is not None and self._sha256.hexdigest() != self._payload.sha256_hex:
            raise S3Error(
                "XAmzContentSHA256Mismatch",
                fields={
                    "ClientComputedContentSHA256": self._payload.sha256_hex,
                    "S3ComputedContentSHA256": self._sha256.hexdigest(),
                },
            )
        if self._content_md5 and self._md5 is not None and self._md5.digest() != self._content_md5:
            raise S3Error(
                "BadDigest",
                fields={
                    "ExpectedDigest": self._content_md5.hex(),
                    "CalculatedDigest": encode_checksum(self._md5.digest()),
                },
            )
        values = {algorithm: encode_checksum(digest.digest()) for algorithm, digest in self._running.items()}
        if self._announced is not None:
            self._compare(self._announced, values[self._announced.algorithm])
        if self._stored is not None:
            self._checksum = Checksum(self._stored, values[self._stored])
        return self

    @property
    def md5_hex(self) -> str:
        assert self._md5 is not None, "only the body of an object has an MD5"
        return self._md5.hexdigest()

    @property
    def checksum(self) -> Checksum | None:
        """The checksum to keep, once `finish` has returned."""
        return self._checksum

    # ------------------------------------------------------------ comparing

    def announced_value(self) -> Checksum | None:
        """What the client announced, proven; once `finish` has returned."""
        if self._announced is None:
            return None
        algorithm = self._announced.algorithm
        return Checksum(algorithm, encode_checksum(self._running[algorithm].digest()))

    def _compare(self, announced: AnnouncedChecksum, computed: str) -> None:
        expected = announced.value
        if announced.in_trailer:
            header = HEADER_OF[announced.algorithm]
            expected = self._decoder.trailers[header] if self._decoder is not None else ""
            if not is_checksum_value(announced.algorithm, expected):
                raise S3Error("InvalidRequest", f"Value for {header} trailing header is invalid.")
        if computed != expected:
            raise S3Error(
                "BadDigest",
                f"The {announced.algorithm.name} you specified did not match the calculated checksum.",
            )

    def _wrong_length(self) -> S3Error:
        return S3Error(
            "IncompleteBody",
            fields={
                "NumberBytesExpected": "" if self.length is None else str(self.length),
                "NumberBytesProvided": str(self._received),
            },
        )


def open_body(
    stream: RequestStream,
    request: S3Request,
    payload: PayloadAuthentication,
    settings: GatewaySettings,
    *,
    checksum_headers: bool = True,
) -> RequestBody:
    """The body of `request`, nothing read yet. Raises `S3Error` where its headers contradict each other.

    `checksum_headers` is False where x-amz-checksum-* speak of something else than this body
    (CompleteMultipartUpload: of the finished object).
    """
    headers = request.headers
    values: dict[str, str] = {}
    if checksum_headers:
        for name in headers:
            if name.startswith(_CHECKSUM_PREFIX) and name not in _NO_CHECKSUM_VALUES:
                values[name.decode("latin-1")] = header_text(headers[name])
    md5 = headers.get(b"content-md5")
    sdk_algorithm = headers.get(b"x-amz-sdk-checksum-algorithm")
    chunked = payload.kind.chunked or _is_unsigned_chunked(headers, payload)
    trailer = (request.header(b"x-amz-trailer") or "").lower() if chunked else ""
    announced = None
    if values or trailer or sdk_algorithm:
        announced = announced_checksum(
            values, trailer_header=trailer, sdk_algorithm="" if sdk_algorithm is None else header_text(sdk_algorithm)
        )
    length: int | None
    decoder: ChunkedDecoder | None = None
    if chunked:
        length = _decoded_length(headers)
        decoder = ChunkedDecoder(
            decoded_length=length,
            signed=payload.signer is not None,
            trailer=payload.kind.trailing,
            trailers=(trailer,) if trailer else (),
        )
    else:
        length = _content_length(headers)
    return RequestBody(
        stream,
        length=length,
        max_bytes=settings.max_put_bytes,
        payload=payload,
        delimited=b"transfer-encoding" in headers or request.http_version.startswith("2"),
        decoder=decoder,
        announced=announced,
        content_md5=b"" if md5 is None else parse_content_md5(header_text(md5)),
    )


def _is_unsigned_chunked(headers: Mapping[bytes, bytes], payload: PayloadAuthentication) -> bool:
    """Framing nobody signed and no trailer ends: UNSIGNED-PAYLOAD, but with the length of what is inside the frames."""
    return (
        payload.kind is PayloadKind.UNSIGNED
        and b"x-amz-decoded-content-length" in headers
        and b"aws-chunked" in headers.get(b"content-encoding", b"").lower()
    )


def _decoded_length(headers: Mapping[bytes, bytes]) -> int:
    length = _digits(headers.get(b"x-amz-decoded-content-length", b""))
    if length is None:
        raise S3Error("MissingContentLength")
    return length


def _content_length(headers: Mapping[bytes, bytes]) -> int | None:
    value = headers.get(b"content-length")
    if value is None:
        return None
    length = _digits(value)
    if length is None:
        raise S3Error("MissingContentLength")
    return length


def _digits(value: bytes) -> int | None:
    value = value.strip()
    return int(value) if value.isdigit() and len(value) <= _MAX_LENGTH_DIGITS else None
