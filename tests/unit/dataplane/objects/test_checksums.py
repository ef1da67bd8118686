"""Checksums of objects from those of their parts, against what the whole bytes give."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from dataplane.checksums import new_digest
from dataplane.contracts import BlobRecord, Checksum, ChecksumAlgorithm, ChecksumType, PartRecord, Profile
from dataplane.objects.checksums import can_be, default_type, of_parts, result_of
from dataplane.objects.digests import PARALLEL_PIECE_BYTES, DigestFeed

KNOWN = {
    # Of the nine bytes 123456789, as the catalogues of check values have them.
    ChecksumAlgorithm.CRC32: "cbf43926",
    ChecksumAlgorithm.CRC32C: "e3069283",
    ChecksumAlgorithm.CRC64NVME: "ae8b14860a799888",
    ChecksumAlgorithm.SHA1: hashlib.sha1(b"123456789").hexdigest(),
    ChecksumAlgorithm.SHA256: hashlib.sha256(b"123456789").hexdigest(),
}
CRCS = [ChecksumAlgorithm.CRC32, ChecksumAlgorithm.CRC32C, ChecksumAlgorithm.CRC64NVME]


def checksum_of(algorithm: ChecksumAlgorithm, data: bytes) -> Checksum:
    running = new_digest(algorithm)
    running.update(data)
    return result_of(algorithm, running)


def part(number: int, data: bytes, algorithm: ChecksumAlgorithm | None) -> PartRecord:
    blob = BlobRecord(uuid4(), len(data), Profile(1, 0), 1 << 20, (1,), None)
    return PartRecord(number, len(data), "", blob, checksum_of(algorithm, data) if algorithm else None)


@pytest.mark.parametrize("algorithm", list(ChecksumAlgorithm))
def test_check_values(algorithm: ChecksumAlgorithm) -> None:
    assert base64.b64decode(checksum_of(algorithm, b"123456789").value).hex() == KNOWN[algorithm]


@pytest.mark.parametrize("algorithm", list(ChecksumAlgorithm))
def test_pieces_give_what_the_whole_gives(algorithm: ChecksumAlgorithm) -> None:
    running = new_digest(algorithm)
    for piece in (b"", b"123", b"4", b"56789"):
        running.update(piece)
    assert result_of(algorithm, running) == checksum_of(algorithm, b"123456789")


@pytest.mark.parametrize("algorithm", CRCS)
def test_combined_crcs_are_those_of_the_whole(algorithm: ChecksumAlgorithm) -> None:
    datas = [random.Random(n).randbytes(n) for n in (100_000, 1, 0, 65_537)]
    parts = [part(number, data, algorithm) for number, data in enumerate(datas, 1)]
    assert of_parts(algorithm, ChecksumType.FULL_OBJECT, parts) == checksum_of(algorithm, b"".join(datas))


def test_a_part_without_the_checksum_leaves_the_object_without() -> None:
    algorithm = ChecksumAlgorithm.CRC32
    assert of_parts(algorithm, ChecksumType.COMPOSITE, [part(1, b"a", algorithm), part(2, b"b", None)]) is None
    assert of_parts(algorithm, ChecksumType.COMPOSITE, [part(1, b"a", ChecksumAlgorithm.SHA1)]) is None


def test_which_types_are_possible() -> None:
    possible = {(a, k) for a in ChecksumAlgorithm for k in ChecksumType if can_be(a, k)}
    assert possible == {
        (ChecksumAlgorithm.CRC32, ChecksumType.FULL_OBJECT),
        (ChecksumAlgorithm.CRC32, ChecksumType.COMPOSITE),
        (ChecksumAlgorithm.CRC32C, ChecksumType.FULL_OBJECT),
        (ChecksumAlgorithm.CRC32C, ChecksumType.COMPOSITE),
        (ChecksumAlgorithm.CRC64NVME, ChecksumType.FULL_OBJECT),
        (ChecksumAlgorithm.SHA1, ChecksumType.COMPOSITE),
        (ChecksumAlgorithm.SHA256, ChecksumType.COMPOSITE),
    }
    assert all(can_be(algorithm, default_type(algorithm)) for algorithm in ChecksumAlgorithm)


class Recorder:
    def __init__(self, *, parallel: bool) -> None:
        self.parallel = parallel
        self.seen = b""
        self.threads: set[int] = set()

    def update(self, data: bytes, /) -> None:
        self.seen += data
        self.threads.add(threading.get_ident())


async def test_every_digest_sees_every_byte_in_order() -> None:
    digests = [Recorder(parallel=parallel) for parallel in (True, False, True, True)]
    pieces = [random.Random(n).randbytes(n) for n in (10, PARALLEL_PIECE_BYTES, 3, PARALLEL_PIECE_BYTES + 1, 0, 5)]
    with ThreadPoolExecutor(2) as pool:
        feed = DigestFeed(digests, pool)
        for piece in pieces:
            await feed.feed(piece)
        await feed.drain()
    assert all(digest.seen == b"".join(pieces) for digest in digests)
    here = threading.get_ident()
    assert digests[1].threads == {here}
    assert digests[0].threads - {here}


async def test_a_failing_digest_is_not_lost() -> None:
    class Failing(Recorder):
        def update(self, data: bytes, /) -> None:
            raise ValueError("broken digest")

    with ThreadPoolExecutor(1) as pool:
        feed = DigestFeed([Failing(parallel=True)], pool)
        await feed.feed(bytes(PARALLEL_PIECE_BYTES))
        with pytest.raises(ValueError, match="broken"):
            async with asyncio.timeout(5):
                await feed.drain()
