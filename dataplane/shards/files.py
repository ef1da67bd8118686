"""The files of one store directory, synchronously: shards created, published, read, deleted.

A shard is written under a temporary name, synced, renamed into place, and the directory synced
(`dataplane.shards.layout` says where). Nothing here makes `tmp` or `shards`: where they are missing the drive
is not mounted, and writing would fill the wrong one. Must not know: what the bytes mean, threads, quorum.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

from dataplane.erasure.stripes import SHARD_HEADER_BYTES
from dataplane.failpoints import hit
from dataplane.shards.directory_sync import DirectorySync
from dataplane.shards.identity import NotAStore, read_identity
from dataplane.shards.layout import TEMPORARY_DIRECTORY, shard_path, temporary_path
from dataplane.transport.base import (
    Buffer,
    Extent,
    ShardFailure,
    ShardMissing,
    ShardUnreadable,
    StoreFailed,
    StoreHasNoRoom,
    StoreSpace,
)

RESERVE_BYTES = 64 << 20
"""Kept free on every store: a file system filled to the last byte cannot even delete."""

UNCHECKED_BYTES = 1 << 20
"""For a shard up to this size the look at the store a moment ago is enough; the reserve covers the difference."""

WRITEBACK_BYTES = 2 << 20
"""A growing shard is pushed towards the drive every so much, so that its final sync has little left to do."""

MAX_KNOWN_DIRECTORIES = 4096

_SYNC_FILE_RANGE_WRITE = 2


class StoreDirectory:
    """One store. Safe to use from any thread; every method may block."""

    def __init__(self, number: int, path: Path, store_id: str, *, reserve_bytes: int = RESERVE_BYTES) -> None:
        """`store_id` is what `store.json` must say; another drive mounted in its place is not written to."""
        self._number = number
        self._path = path
        self._id = store_id
        self._reserve_bytes = reserve_bytes
        self._sync = DirectorySync()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._known_lock = threading.Lock()

    @property
    def number(self) -> int:
        return self._number

    @property
    def path(self) -> Path:
        return self._path

    def device(self) -> int:
        """The device number, or one of its own (negative) where the directory is not there."""
        try:
            return os.stat(self._path).st_dev
        except OSError:
            return -1 - self._number

    def space(self) -> StoreSpace:
        """Raises `StoreFailed` where the store is not there, not itself, or cannot be written."""
        with self._failures("look at", "the store"):
            try:
                identity = read_identity(self._path)
            except NotAStore as error:
                raise StoreFailed(f"store {self._number}: {error}") from error
            if identity.id != self._id:
                raise StoreFailed(f"store {self._number}: {self._path} is the store {identity.id}, not {self._id}")
            if not os.access(self._path / TEMPORARY_DIRECTORY, os.W_OK | os.X_OK):
                raise StoreFailed(f"store {self._number}: {self._path / TEMPORARY_DIRECTORY} cannot be written")
            stat = os.statvfs(self._path)
            if stat.f_flag & os.ST_RDONLY:
                raise StoreFailed(f"store {self._number}: {self._path} is mounted read-only")
        free = max(0, stat.f_bavail * stat.f_frsize - self._reserve_bytes)
        return StoreSpace(stat.f_blocks * stat.f_frsize, free)

    def create(self, blob_id: UUID, index: int, expected_bytes: int) -> PendingFile:
        with self._failures("create", f"{blob_id}.{index}"):
            if expected_bytes > UNCHECKED_BYTES:
                stat = os.statvfs(self._path)
                if stat.f_bavail * stat.f_frsize - self._reserve_bytes < expected_bytes:
                    raise StoreHasNoRoom(f"store {self._number}: no room for a shard of {expected_bytes} bytes")
            return PendingFile(self, blob_id, index)

    def open(self, blob_id: UUID, index: int) -> ShardFile:
        with self._failures("open", f"{blob_id}.{index}"):
            return ShardFile(self, blob_id, index)

    def delete(self, blob_id: UUID, index: int) -> bool:
        path = shard_path(str(self._path), blob_id, index)
        with self._failures("delete", f"{blob_id}.{index}"):
            hit("shards.delete")
            try:
                os.unlink(path)
            except FileNotFoundError:
                # Gone, or the whole store is: that one must be asked again when it is back.
                self.space()
                return False
            self._sync.sync(os.path.dirname(path))
            return True

    def publish(self, temporary: str, final: str) -> None:
        """Renames into place and makes the name durable."""
        leaf = os.path.dirname(final)
        self._ensure_directory(leaf)
        try:
            os.rename(temporary, final)
        except FileNotFoundError:
            # Somebody removed the leaf since it was seen: make it again.
            self._forget_directory(leaf)
            self._ensure_directory(leaf)
            os.rename(temporary, final)
        hit("shards.renamed")
        self._sync.sync(leaf)

    def _ensure_directory(self, leaf: str) -> None:
        """Makes a leaf and its parent; they are durable afterwards, whoever made them."""
        with self._known_lock:
            if leaf in self._known:
                self._known.move_to_end(leaf)
                return
        parent = os.path.dirname(leaf)
        for directory in (parent, leaf):
            with contextlib.suppress(FileExistsError):
                os.mkdir(directory, 0o700)
            self._sync.sync(os.path.dirname(directory))
        with self._known_lock:
            self._known[leaf] = None
            if len(self._known) > MAX_KNOWN_DIRECTORIES:
                self._known.popitem(last=False)

    def _forget_directory(self, leaf: str) -> None:
        with self._known_lock:
            self._known.pop(leaf, None)

    @contextlib.contextmanager
    def _failures(self, doing: str, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self.failure(doing, what, error) from error

    def failure(self, doing: str, what: str, error: OSError) -> ShardFailure:
        """An OSError as what it means for the shard."""
        message = f"store {self._number}: cannot {doing} {what} in {self._path}: {error.strerror or error}"
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return StoreHasNoRoom(message)
        if error.errno == errno.ENOENT and doing == "open":
            return ShardMissing(message)
        return StoreFailed(message)


class PendingFile:
    """A shard being written; one thread at a time."""

    def __init__(self, store: StoreDirectory, blob_id: UUID, index: int) -> None:
        self._store = store
        self._name = f"{blob_id}.{index}"
        self._final = shard_path(str(store.path), blob_id, index)
        self._temporary = temporary_path(str(store.path), blob_id, index)
        self._position = SHARD_HEADER_BYTES
        self._pushed = 0
        self._descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        hit("shards.opened")

    def append(self, buffers: Sequence[Buffer]) -> None:
        try:
            self._position += _write_all(self._descriptor, buffers, self._position)
            hit("shards.appended")
        except OSError as error:
            raise self._store.failure("write", self._name, error) from error
        self._push()

    def publish(self, header: bytes, buffers: Sequence[Buffer] = ()) -> None:
        if self._position > SHARD_HEADER_BYTES and buffers:
            self.append(buffers)
            buffers = ()
        try:
            # A shard of one frame takes one call.
            _write_all(self._descriptor, [header, *buffers], 0)
            os.fdatasync(self._descriptor)
            hit("shards.synced")
            self._close()
            self._store.publish(self._temporary, self._final)
            hit("shards.published")
        except OSError as error:
            raise self._store.failure("publish", self._name, error) from error

    def _push(self) -> None:
        if self._position - self._pushed >= WRITEBACK_BYTES:
            _start_writeback(self._descriptor, self._pushed, self._position - self._pushed)
            self._pushed = self._position

    def discard(self) -> None:
        self._close()
        for path in (self._temporary, self._final):
            # What cannot be removed now is left to the spool's expiry and the orphan sweep.
            with contextlib.suppress(OSError):
                os.unlink(path)

    def _close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)


class ShardFile:
    """A published shard open for reading; safe from several threads until closed."""

    def __init__(self, store: StoreDirectory, blob_id: UUID, index: int) -> None:
        self._store = store
        self._name = f"{blob_id}.{index}"
        self._descriptor = os.open(shard_path(str(store.path), blob_id, index), os.O_RDONLY | os.O_CLOEXEC)

    def read(self, extents: Sequence[Extent]) -> list[bytes]:
        try:
            hit("shards.read")
            found = [os.pread(self._descriptor, length, offset) for offset, length in extents]
        except OSError as error:
            raise self._store.failure("read", self._name, error) from error
        for (offset, length), data in zip(extents, found, strict=True):
            if len(data) != length:
                raise ShardUnreadable(
                    f"store {self._store.number}: {self._name} is cut short: {len(data)} of {length} bytes at {offset}"
                )
        return found

    def close(self) -> None:
        os.close(self._descriptor)


def _write_all(descriptor: int, buffers: Sequence[Buffer], position: int) -> int:
    """Writes everything at `position`, whatever the kernel takes at once; returns how many bytes that were."""
    total = sum(len(buffer) for buffer in buffers)
    written = os.pwritev(descriptor, buffers, position)
    if written < total:
        rest = memoryview(b"".join(buffers))
        while written < total:
            written += os.pwrite(descriptor, rest[written:], position + written)
    return total


def _find_sync_file_range() -> ctypes._NamedFuncPointer | None:
    function = getattr(ctypes.CDLL(None, use_errno=True), "sync_file_range", None)
    if function is not None:
        function.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
    return function


_sync_file_range = _find_sync_file_range()


def _start_writeback(descriptor: int, offset: int, length: int) -> None:
    """Tells the kernel to begin writing dirty pages; a hint, so its failure means nothing (the sync decides)."""
    if _sync_file_range is not None:
        _sync_file_range(descriptor, offset, length, _SYNC_FILE_RANGE_WRITE)
