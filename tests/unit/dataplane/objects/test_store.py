"""The engine's facade over real files and metadata in memory."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from dataplane import failpoints
from dataplane.contracts import (
    Checksum,
    ChecksumAlgorithm,
    DeleteItem,
    ObjectAttributes,
    ObjectHeaders,
    Versioning,
    WriteConditions,
)
from dataplane.errors import (
    BadDigest,
    MarkerNotAllowed,
    MetadataUnavailable,
    NoSuchBucket,
    NoSuchKey,
    NoSuchVersion,
    ObjectDamaged,
    OperationAborted,
    PreconditionFailed,
)
from dataplane.objects.settings import ObjectSettings
from tests.support.engine import MemoryBody, running_engine
from tests.support.memory_metadata import MemoryMetadata

MIB = 1 << 20
INLINE = 64 << 10
PLAIN = ObjectAttributes()


def data_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.fixture
def metadata() -> MemoryMetadata:
    return MemoryMetadata()


@pytest.mark.parametrize("encrypt", [True, False])
@pytest.mark.parametrize("size", [0, 1, INLINE - 1, INLINE, INLINE + 1, MIB - 1, MIB, MIB + 1, 3 * MIB + 7])
async def test_what_is_put_is_read(tmp_path: Path, metadata: MemoryMetadata, size: int, encrypt: bool) -> None:
    bucket, data = metadata.bucket(), data_of(size)
    async with running_engine(tmp_path, metadata, settings=ObjectSettings(encrypt_at_rest=encrypt)) as engine:
        result = await engine.objects.put(bucket, "key", MemoryBody(data), PLAIN)
        assert (result.etag, result.size, result.version_id) == (hashlib.md5(data).hexdigest(), size, None)
        version = await engine.objects.open(bucket, "key")
        assert (version.inline is not None) == (size <= INLINE)
        assert await engine.read_all(version) == data
        if version.inline is not None:
            assert engine.objects.inline_bytes(version) == data
            assert engine.stores.shard_files() == []
        else:
            assert len(engine.stores.shard_files()) == 6
        assert engine.stores.temporary_files() == []


@pytest.mark.parametrize("piece_bytes", [1000, 65_536, 250_001, MIB, 5 * MIB])
@pytest.mark.parametrize("announced", [True, False])
async def test_pieces_of_any_size_make_the_same_object(
    tmp_path: Path, metadata: MemoryMetadata, piece_bytes: int, announced: bool
) -> None:
    bucket, data = metadata.bucket(), data_of(2 * MIB + 12_345)
    async with running_engine(tmp_path, metadata, stores=3) as engine:
        body = MemoryBody(data, piece_bytes=piece_bytes, announced=announced)
        await engine.objects.put(bucket, "key", body, PLAIN)
        version = await engine.objects.open(bucket, "key")
        assert await engine.read_all(version) == data


async def test_ranges_over_every_border(tmp_path: Path, metadata: MemoryMetadata) -> None:
    size = 3 * MIB + 100
    bucket, data = metadata.bucket(), data_of(size)
    borders = [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB, 3 * MIB + 1, size - 1, size]
    async with running_engine(tmp_path, metadata) as engine:
        await engine.objects.put(bucket, "key", MemoryBody(data), PLAIN)
        version = await engine.objects.open(bucket, "key")
        for start in borders:
            for stop in borders:
                if start <= stop:
                    assert await engine.read_all(version, start, stop) == data[start:stop]
        with pytest.raises(ValueError, match="does not lie within"):
            await engine.read_all(version, 0, size + 1)


async def test_no_plain_byte_reaches_a_disk(tmp_path: Path, metadata: MemoryMetadata) -> None:
    bucket = metadata.bucket()
    secret = b"the quick brown fox jumps over the lazy dog " * 5000
    async with running_engine(tmp_path, metadata) as engine:
        await engine.objects.put(bucket, "large", MemoryBody(secret), PLAIN)
        await engine.objects.put(bucket, "small", MemoryBody(secret[:1000]), PLAIN)
        assert all(b"quick brown" not in file.read_bytes() for file in engine.stores.shard_files())
        small = await engine.objects.open(bucket, "small")
        assert small.inline is not None
        assert b"quick brown" not in small.inline.data


async def test_the_content_hash_is_kept(tmp_path: Path, metadata: MemoryMetadata) -> None:
    from blake3 import blake3

    bucket, data = metadata.bucket(), data_of(2 * MIB + 1)
    async with running_engine(tmp_path, metadata) as engine:
        await engine.objects.put(bucket, "key", MemoryBody(data), PLAIN)
        version = await engine.objects.open(bucket, "key")
        assert version.blob is not None
        assert version.blob.content_hash == blake3(data).digest()


@pytest.mark.parametrize("size", [10, 2 * MIB])
@pytest.mark.parametrize("how", ["failure", "verdict"])
async def test_a_wrong_body_leaves_nothing(tmp_path: Path, metadata: MemoryMetadata, size: int, how: str) -> None:
    bucket = metadata.bucket()
    wrong = BadDigest("Content-MD5", "a", "b")
    async with running_engine(tmp_path, metadata) as engine:
        body = MemoryBody(data_of(size), failure=wrong if how == "failure" else None, verdict=wrong)
        with pytest.raises(BadDigest):
            await engine.objects.put(bucket, "key", body, PLAIN)
        with pytest.raises(NoSuchKey):
            await engine.objects.head(bucket, "key")
    # The engine is closed: whatever cleaned up has ended.
    assert engine.stores.shard_files() == engine.stores.temporary_files() == []


async def test_a_client_that_leaves_leaves_nothing(tmp_path: Path, metadata: MemoryMetadata) -> None:
    bucket = metadata.bucket()
    reached = asyncio.Event()

    class StalledBody(MemoryBody):
        async def pieces(self):  # type: ignore[no-untyped-def]
            async for piece in super().pieces():
                yield piece
            reached.set()
            await asyncio.Event().wait()

    async with running_engine(tmp_path, metadata) as engine:
        task = asyncio.create_task(engine.objects.put(bucket, "key", StalledBody(data_of(3 * MIB)), PLAIN))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert engine.stores.shard_files() == engine.stores.temporary_files() == []
    assert metadata.versions == {}


async def test_a_refused_commit_removes_the_shards(tmp_path: Path, metadata: MemoryMetadata) -> None:
    bucket, data = metadata.bucket(), data_of(MIB)
    async with running_engine(tmp_path, metadata) as engine:
        await engine.objects.put(bucket, "key", MemoryBody(data), PLAIN)
        with pytest.raises(PreconditionFailed):
            await engine.objects.put(bucket, "key", MemoryBody(data), PLAIN, WriteConditions(if_none_match=True))
    assert len(engine.stores.shard_files()) == 6


async def test_a_commit_of_unknown_outcome_keeps_the_shards(tmp_path: Path, metadata: MemoryMetadata) -> None:
    bucket, data = metadata.bucket(), data_of(MIB)
    metadata.fail_with, metadata.fail_after = MetadataUnavailable("connection lost"), True
    async with running_engine(tmp_path, metadata) as engine:
        with pytest.raises(MetadataUnavailable):
            await engine.objects.put(bucket, "key", MemoryBody(data), PLAIN)
        metadata.fail_with = None
        version = await engine.objects.open(bucket, "key")
        assert await engine.read_all(version) == data


async def test_a_caller_that_leaves_does_not_interrupt_the_commit(tmp_path: Path, metadata: MemoryMetadata) -> None:
    bucket, data = metadata.bucket(), data_of(MIB)
    reached, go_on = asyncio.Event(), asyncio.Event()
    put = metadata.put

    async def slow_put(*arguments, **named):  # type: ignore[no-untyped-def]
        reached.set()
        await go_on.wait()
        return await put(*arguments, **named)

    metadata.put = slow_put  # type: ignore[method-assign]
    async with running_engine(tmp_path, metadata) as engine:
        task = asyncio.create_task(engine.objects.put(bucket, "key", MemoryBody(data), PLAIN))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
        await engine.objects.close()
        version = await engine.objects.open(bucket, "key")
        assert await engine.read_all(version) == data


async def test_versions_and_markers(tmp_path: Path, metadata: MemoryMetadata) -> None:
    bucket = metadata.bucket(versioning=Versioning.ENABLED)
    async with running_engine(tmp_path, metadata) as engine:
        objects = engine.objects
        first = await objects.put(bucket, "key", MemoryBody(b"one"), PLAIN)
        second = await objects.put(bucket, "key", MemoryBody(b"two"), PLAIN)
        assert first.version_id != second.version_id
        assert objects.inline_bytes(await objects.open(bucket, "key", first.version_id)) == b"one"
        assert objects.inline_bytes(await objects.open(bucket, "key")) == b"two"
        (marker,) = await objects.delete(bucket, [DeleteItem("key")])
        assert not isinstance(marker, Exception)
        assert marker.delete_marker
        with pytest.raises(NoSuchKey) as hidden:
            await objects.head(bucket, "key")
        assert hidden.value.delete_marker_version_id == marker.version_id
        with pytest.raises(MarkerNotAllowed):
            await objects.open(bucket, "key", marker.version_id)
        with pytest.raises(NoSuchVersion, match="null"):
            await objects.head(bucket, "key", "")


async def test_a_copy_shares_the_bytes(tmp_path: Path, metadata: MemoryMetadata) -> None:
    bucket, other, data = metadata.bucket(), metadata.bucket("other"), data_of(2 * MIB)
    async with running_engine(tmp_path, metadata) as engine:
        objects = engine.objects
        put = await objects.put(bucket, "key", MemoryBody(data), PLAIN)
        source = await objects.open(bucket, "key")
        attributes = ObjectAttributes(headers=ObjectHeaders(content_type="text/plain"))
        copied = await objects.copy(bucket, source, other, "copy", attributes)
        assert copied.etag == put.etag
        assert len(engine.stores.shard_files()) == 6
        await objects.delete(bucket, [DeleteItem("key")])
        assert metadata.released == []
        version = await objects.open(other, "copy")
        assert version.headers.content_type == "text/plain"
        assert await engine.read_all(version) == data
        await objects.delete(other, [DeleteItem("copy")])
        assert len(metadata.released) == 1
        with pytest.raises(OperationAborted):
            await objects.copy(bucket, source, other, "late", PLAIN)
        with pytest.raises(ValueError, match="not of the bucket"):
            await objects.copy(other, source, other, "late", PLAIN)


async def test_a_copy_of_an_inline_object_reads_alike(tmp_path: Path, metadata: MemoryMetadata) -> None:
    bucket = metadata.bucket()
    async with running_engine(tmp_path, metadata) as engine:
        await engine.objects.put(bucket, "key", MemoryBody(b"small"), PLAIN)
        source = await engine.objects.open(bucket, "key")
        await engine.objects.copy(bucket, source, bucket, "copy", PLAIN)
        await engine.objects.delete(bucket, [DeleteItem("key")])
        assert engine.objects.inline_bytes(await engine.objects.open(bucket, "copy")) == b"small"


@pytest.mark.parametrize("size", [9, 2 * MIB])
async def test_a_copy_makes_the_checksum_asked_for(tmp_path: Path, metadata: MemoryMetadata, size: int) -> None:
    import base64

    bucket, data = metadata.bucket(), data_of(size)
    kept = Checksum(ChecksumAlgorithm.CRC32, "AAAAAA==")
    async with running_engine(tmp_path, metadata) as engine:
        await engine.objects.put(bucket, "key", MemoryBody(data, checksum=kept), PLAIN)
        source = await engine.objects.open(bucket, "key")
        same = await engine.objects.copy(bucket, source, bucket, "same", PLAIN)
        assert same.checksum == kept
        asked = await engine.objects.copy(
            bucket, source, bucket, "asked", PLAIN, checksum_algorithm=ChecksumAlgorithm.SHA256
        )
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        assert asked.checksum == Checksum(ChecksumAlgorithm.SHA256, digest)


async def test_an_inline_body_that_was_altered_is_noticed(tmp_path: Path, metadata: MemoryMetadata) -> None:
    bucket = metadata.bucket()
    async with running_engine(tmp_path, metadata, stores=1) as engine:
        await engine.objects.put(bucket, "key", MemoryBody(b"bytes"), PLAIN)
        version = await engine.objects.open(bucket, "key")
        assert version.inline is not None
        altered = replace(version, inline=replace(version.inline, data=bytes(len(version.inline.data))))
        with pytest.raises(ObjectDamaged, match="'key'"):
            engine.objects.inline_bytes(altered)


async def test_tags_and_bucket_state(tmp_path: Path, metadata: MemoryMetadata) -> None:
    bucket = metadata.bucket()
    async with running_engine(tmp_path, metadata) as engine:
        await engine.objects.put(bucket, "key", MemoryBody(b"x"), PLAIN)
        await engine.objects.put_tags(bucket, "key", None, {"a": "b"})
        assert (await engine.objects.head(bucket, "key")).tags == {"a": "b"}
        await engine.objects.delete_tags(bucket, "key", None)
        assert (await engine.objects.head(bucket, "key")).tags == {}
        await engine.objects.set_versioning(bucket, Versioning.SUSPENDED)
        assert (await engine.objects.bucket_state(bucket)).versioning is Versioning.SUSPENDED
        del metadata.states[bucket.id]
        with pytest.raises(NoSuchBucket):
            await engine.objects.bucket_state(bucket)


async def test_what_was_committed_before_a_crash_is_there(tmp_path: Path, metadata: MemoryMetadata) -> None:
    """After the commit nothing else may be needed for the object to be whole."""
    bucket, data = metadata.bucket(), os.urandom(MIB)
    async with running_engine(tmp_path, metadata) as engine:
        with failpoints.armed("objects.after_commit", failpoints.failing(5)), pytest.raises(OSError, match="Input"):
            await engine.objects.put(bucket, "key", MemoryBody(data), PLAIN)
        assert await engine.read_all(await engine.objects.open(bucket, "key")) == data
