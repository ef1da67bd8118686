"""Stored bytes read again: for a checksum that is not known yet, or as the body of a new blob.

Must not know: uploads, metadata.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor
from contextlib import aclosing

from dataplane.checksums import Md5Digest, new_digest
from dataplane.contracts import Checksum, ChecksumAlgorithm, ObjectVersion
from dataplane.objects.checksums import result_of
from dataplane.objects.digests import DigestFeed
from dataplane.objects.get import Reading
from dataplane.ports import Digest


class Reread:
    """Reads versions for the engine itself; one per process."""

    def __init__(self, reading: Reading, digest_pool: Executor) -> None:
        self._reading = reading
        self._digest_pool = digest_pool

    async def checksum(self, version: ObjectVersion, start: int, stop: int, algorithm: ChecksumAlgorithm) -> Checksum:
        """Reads [start, stop) of a version for its checksum."""
        running = new_digest(algorithm)
        feed = DigestFeed([running], self._digest_pool)
        async with aclosing(self._reading.read(version, start, stop)) as pieces:
            async for piece in pieces:
                await feed.feed(bytes(piece))
        await feed.drain()
        return result_of(algorithm, running)

    def body(self, version: ObjectVersion, start: int, stop: int, algorithm: ChecksumAlgorithm | None) -> RereadBody:
        """[start, stop) of a version as a body to store; `algorithm` names the checksum to make beside MD5."""
        return RereadBody(self._reading, version, start, stop, algorithm=algorithm)


class RereadBody:
    """A `dataplane.ports.Body` of bytes that are stored already: verified as they are read."""

    def __init__(
        self, reading: Reading, version: ObjectVersion, start: int, stop: int, *, algorithm: ChecksumAlgorithm | None
    ) -> None:
        self._reading = reading
        self._version = version
        self._start = start
        self._stop = stop
        self._md5 = Md5Digest()
        self._algorithm = algorithm
        self._checksum = new_digest(algorithm) if algorithm is not None else None

    @property
    def length(self) -> int:
        return self._stop - self._start

    @property
    def digests(self) -> Sequence[Digest]:
        return [self._md5] if self._checksum is None else [self._md5, self._checksum]

    async def pieces(self) -> AsyncIterator[bytes]:
        async with aclosing(self._reading.read(self._version, self._start, self._stop)) as pieces:
            async for piece in pieces:
                yield bytes(piece)

    def finish(self) -> RereadBody:
        return self

    @property
    def md5_hex(self) -> str:
        return self._md5.digest().hex()

    @property
    def checksum(self) -> Checksum | None:
        if self._algorithm is None or self._checksum is None:
            return None
        return result_of(self._algorithm, self._checksum)
