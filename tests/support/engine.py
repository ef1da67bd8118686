"""An engine on temporary store directories, for tests: real files, coding and encryption; metadata as given."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from dataplane.contracts import Checksum, ObjectVersion, StoreRecord
from dataplane.crypto.envelope import Envelope
from dataplane.crypto.keys import KeyRing
from dataplane.objects.metadata_port import Metadata
from dataplane.objects.settings import ObjectSettings
from dataplane.objects.store import ObjectStore
from dataplane.ports import Digest
from dataplane.shards.files import StoreDirectory
from dataplane.shards.identity import prepare_store
from dataplane.shards.placing import WriteSettings
from dataplane.shards.reader import ShardReader
from dataplane.shards.writer import ShardWriter
from dataplane.transport.local import LocalLimits, LocalTransport

RING = KeyRing("test", {"test": b"k" * 32})


@dataclass(frozen=True)
class Stores:
    """Store directories and the transport to them."""

    paths: list[Path]
    records: list[StoreRecord]
    directories: list[StoreDirectory]
    transport: LocalTransport

    def shard_files(self) -> list[Path]:
        """Every published shard."""
        return sorted(file for path in self.paths for file in path.glob("shards/*/*/*"))

    def temporary_files(self) -> list[Path]:
        return sorted(file for path in self.paths for file in path.glob("tmp/*/*"))


def make_stores(root: Path, count: int, *, limits: LocalLimits | None = None) -> Stores:
    """Prepares `count` stores below `root`, numbered from 1; every look at them is fresh unless `limits` say else."""
    paths = [root / f"store{number}" for number in range(1, count + 1)]
    return open_stores(paths, limits=limits)


def open_stores(paths: list[Path], *, limits: LocalLimits | None = None) -> Stores:
    """The stores in `paths`, prepared where they are not yet, as a process finds them at its start."""
    records, directories = [], []
    for number, path in enumerate(paths, 1):
        identity = prepare_store(path)
        records.append(StoreRecord(number, identity.id, "node", str(path)))
        directories.append(StoreDirectory(number, path, identity.id, reserve_bytes=0))
    transport = LocalTransport(
        list(zip(records, directories, strict=True)),
        limits=limits or LocalLimits(read_threads=2, write_threads=2, probe_seconds=0.0),
    )
    return Stores(paths, records, directories, transport)


@dataclass(frozen=True)
class Engine:
    objects: ObjectStore
    stores: Stores
    writer: ShardWriter
    reader: ShardReader

    async def read_all(self, version: ObjectVersion, start: int = 0, stop: int | None = None) -> bytes:
        end = version.size if stop is None else stop
        return b"".join([bytes(piece) async for piece in self.objects.read(version, start, end)])


@asynccontextmanager
async def running_engine(
    root: Path,
    metadata: Metadata,
    *,
    stores: int | Stores = 6,
    settings: ObjectSettings | None = None,
    writing: WriteSettings | None = None,
) -> AsyncIterator[Engine]:
    """An engine until the end of the `with` block."""
    settings = settings or ObjectSettings(digest_threads=2)
    made = make_stores(root, stores) if isinstance(stores, int) else stores
    envelope = Envelope(RING)
    writer = ShardWriter(made.transport, envelope if settings.encrypt_at_rest else None, writing)
    reader = ShardReader(made.transport, envelope)
    objects = ObjectStore(metadata, writer, reader, envelope, settings)
    try:
        yield Engine(objects, made, writer, reader)
    finally:
        await objects.close()
        made.transport.close()


class _Md5:
    parallel = True

    def __init__(self) -> None:
        self._hash = hashlib.md5(usedforsecurity=False)

    def update(self, data: bytes, /) -> None:
        self._hash.update(data)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


class MemoryBody:
    """A request body: `data` in pieces. `failure` is raised after the last piece, `verdict` by `finish`."""

    def __init__(
        self,
        data: bytes,
        *,
        piece_bytes: int = 100_000,
        announced: bool = True,
        checksum: Checksum | None = None,
        failure: BaseException | None = None,
        verdict: Exception | None = None,
    ) -> None:
        self.data = data
        self._piece_bytes = piece_bytes
        self._announced = announced
        self._checksum = checksum
        self._failure = failure
        self._verdict = verdict
        self._md5 = _Md5()

    @property
    def length(self) -> int | None:
        return len(self.data) if self._announced else None

    @property
    def digests(self) -> Sequence[Digest]:
        return [self._md5]

    async def pieces(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.data), self._piece_bytes):
            yield self.data[start : start + self._piece_bytes]
        if self._failure is not None:
            raise self._failure

    def finish(self) -> MemoryBody:
        if self._verdict is not None:
            raise self._verdict
        return self

    @property
    def md5_hex(self) -> str:
        return self._md5.hexdigest()

    @property
    def checksum(self) -> Checksum | None:
        return self._checksum
