"""Uploads in parts: order, sizes, ETags, checksums, sharing, repetition."""

from __future__ import annotations

import base64
import hashlib
import random
import zlib
from pathlib import Path

import pytest

from dataplane.contracts import (
    BucketRecord,
    Checksum,
    ChecksumAlgorithm,
    ChecksumType,
    CompletedPart,
    DeleteItem,
    ObjectAttributes,
    ObjectHeaders,
    PartRecord,
    WriteConditions,
)
from dataplane.errors import (
    ChecksumMismatch,
    EntityTooLarge,
    EntityTooSmall,
    InvalidArgument,
    InvalidPart,
    InvalidPartOrder,
    NoSuchKey,
    NoSuchUpload,
    OperationAborted,
    PreconditionFailed,
)
from dataplane.objects.settings import ObjectSettings
from tests.support.engine import Engine, MemoryBody, running_engine
from tests.support.memory_metadata import MemoryMetadata

PLAIN = ObjectAttributes()
PART = 100_000
SMALL_PARTS = ObjectSettings(min_part_bytes=PART, max_object_bytes=4 * PART, digest_threads=2)


def data_of(size: int, seed: int = 0) -> bytes:
    return random.Random(seed * 1_000_003 + size).randbytes(size)


def crc32(data: bytes) -> Checksum:
    return Checksum(ChecksumAlgorithm.CRC32, base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode())


def named(*parts: PartRecord) -> list[CompletedPart]:
    return [CompletedPart(part.number, part.etag) for part in parts]


async def begin(engine: Engine, bucket: BucketRecord, *checksum: object) -> str:
    attributes = ObjectAttributes(headers=ObjectHeaders(content_type="video/mp4"))
    return (await engine.objects.create_upload(bucket, "key", attributes, *checksum)).upload_id  # type: ignore[arg-type]


async def add(engine: Engine, bucket: BucketRecord, upload_id: str, number: int, data: bytes) -> PartRecord:
    body = MemoryBody(data, checksum=crc32(data))
    return await engine.objects.upload_part(bucket, "key", upload_id, number, body)


async def test_parts_become_the_object(tmp_path: Path) -> None:
    metadata = MemoryMetadata()
    bucket, datas = metadata.bucket(), [data_of(PART + 1, 1), data_of(PART, 2), data_of(7, 3)]
    async with running_engine(tmp_path, metadata, settings=SMALL_PARTS) as engine:
        upload_id = await begin(engine, bucket)
        # Any order of arrival; numbers may have gaps.
        parts = [
            await add(engine, bucket, upload_id, n, d) for n, d in sorted(zip((2, 5, 9), datas, strict=True))[::-1]
        ]
        with pytest.raises(NoSuchKey):
            await engine.objects.head(bucket, "key")
        result = await engine.objects.complete_upload(bucket, "key", upload_id, named(*parts[::-1]))
        digests = b"".join(hashlib.md5(data).digest() for data in datas)
        assert result.etag == f"{hashlib.md5(digests).hexdigest()}-3"
        assert result.size == 2 * PART + 8
        version = await engine.objects.open(bucket, "key")
        assert (version.part_count, version.headers.content_type) == (3, "video/mp4")
        whole = b"".join(datas)
        assert await engine.read_all(version) == whole
        borders = [0, 1, PART, PART + 1, PART + 2, 2 * PART + 1, 2 * PART + 7, 2 * PART + 8]
        for start in borders:
            for stop in borders:
                if start <= stop:
                    assert await engine.read_all(version, start, stop) == whole[start:stop]


async def test_parts_not_named_and_replaced_are_released(tmp_path: Path) -> None:
    metadata = MemoryMetadata()
    bucket = metadata.bucket()
    async with running_engine(tmp_path, metadata, settings=SMALL_PARTS) as engine:
        upload_id = await begin(engine, bucket)
        old = await add(engine, bucket, upload_id, 1, data_of(PART, 1))
        new = await add(engine, bucket, upload_id, 1, data_of(PART, 2))
        assert metadata.released == [old.blob.id]
        unused = await add(engine, bucket, upload_id, 2, data_of(PART, 3))
        with pytest.raises(InvalidPart, match=r"Part 1 .*ETag"):
            await engine.objects.complete_upload(bucket, "key", upload_id, named(old))
        await engine.objects.complete_upload(bucket, "key", upload_id, named(new))
        assert metadata.released == [old.blob.id, unused.blob.id]
        await engine.objects.delete(bucket, [DeleteItem("key")])
        assert new.blob.id in metadata.released


async def test_wrong_lists_of_parts_are_refused(tmp_path: Path) -> None:
    metadata = MemoryMetadata()
    bucket = metadata.bucket()
    async with running_engine(tmp_path, metadata, settings=SMALL_PARTS) as engine:
        complete = engine.objects.complete_upload
        upload_id = await begin(engine, bucket)
        one, two = [await add(engine, bucket, upload_id, n, data_of(PART, n)) for n in (1, 2)]
        small = await add(engine, bucket, upload_id, 3, b"small")
        last = await add(engine, bucket, upload_id, 4, data_of(3 * PART, 4))
        with pytest.raises(InvalidArgument, match="at least one"):
            await complete(bucket, "key", upload_id, [])
        with pytest.raises(InvalidPartOrder):
            await complete(bucket, "key", upload_id, named(two, one))
        with pytest.raises(InvalidPartOrder):
            await complete(bucket, "key", upload_id, named(one, one))
        with pytest.raises(InvalidPart, match="Part 7"):
            await complete(bucket, "key", upload_id, [*named(one), CompletedPart(7, "0" * 32)])
        with pytest.raises(EntityTooSmall, match="Part 3"):
            await complete(bucket, "key", upload_id, named(one, small, last))
        with pytest.raises(EntityTooLarge):
            await complete(bucket, "key", upload_id, named(one, two, last))
        with pytest.raises(InvalidArgument, match="mp-object-size"):
            await complete(bucket, "key", upload_id, named(one, small), object_size=5)
        with pytest.raises(NoSuchUpload):
            await complete(bucket, "other key", upload_id, named(one))
        result = await complete(bucket, "key", upload_id, named(one, small), object_size=PART + 5)
        assert result.size == PART + 5


async def test_conditions_hold_at_completion(tmp_path: Path) -> None:
    metadata = MemoryMetadata()
    bucket = metadata.bucket()
    async with running_engine(tmp_path, metadata) as engine:
        await engine.objects.put(bucket, "key", MemoryBody(b"there"), PLAIN)
        upload_id = await begin(engine, bucket)
        part = await add(engine, bucket, upload_id, 1, b"part")
        with pytest.raises(PreconditionFailed):
            await engine.objects.complete_upload(
                bucket, "key", upload_id, named(part), WriteConditions(if_none_match=True)
            )
        await engine.objects.complete_upload(bucket, "key", upload_id, named(part))


async def test_a_repeated_completion_answers_alike(tmp_path: Path) -> None:
    metadata = MemoryMetadata()
    bucket = metadata.bucket()
    async with running_engine(tmp_path, metadata, settings=SMALL_PARTS) as engine:
        upload_id = await begin(engine, bucket, ChecksumAlgorithm.CRC32, ChecksumType.FULL_OBJECT)
        parts = [await add(engine, bucket, upload_id, n, data_of(PART, n)) for n in (1, 2)]
        first = await engine.objects.complete_upload(bucket, "key", upload_id, named(*parts))
        assert await engine.objects.complete_upload(bucket, "key", upload_id, named(*parts)) == first
        with pytest.raises(NoSuchUpload):
            await engine.objects.complete_upload(bucket, "key", upload_id, named(parts[0]))
        with pytest.raises(NoSuchUpload):
            await engine.objects.complete_upload(bucket, "key", upload_id, [CompletedPart(1, "no md5")])
        with pytest.raises(NoSuchUpload):
            await engine.objects.complete_upload(bucket, "key", "never", named(*parts))


async def test_an_aborted_upload_frees_its_parts(tmp_path: Path) -> None:
    metadata = MemoryMetadata()
    bucket = metadata.bucket()
    async with running_engine(tmp_path, metadata) as engine:
        upload_id = await begin(engine, bucket)
        part = await add(engine, bucket, upload_id, 1, b"part")
        with pytest.raises(NoSuchUpload):
            await engine.objects.abort_upload(bucket, "other key", upload_id)
        await engine.objects.abort_upload(bucket, "key", upload_id)
        assert metadata.released == [part.blob.id]
        with pytest.raises(NoSuchUpload):
            await add(engine, bucket, upload_id, 2, b"late")
        with pytest.raises(NoSuchUpload):
            await engine.objects.abort_upload(bucket, "key", upload_id)


async def test_a_part_of_an_upload_aborted_meanwhile_leaves_nothing(tmp_path: Path) -> None:
    metadata = MemoryMetadata()
    bucket = metadata.bucket()
    async with running_engine(tmp_path, metadata) as engine:
        upload_id = await begin(engine, bucket)
        metadata.fail_with = NoSuchUpload(upload_id)
        with pytest.raises(NoSuchUpload):
            await add(engine, bucket, upload_id, 1, data_of(PART))
    assert engine.stores.shard_files() == engine.stores.temporary_files() == []


@pytest.mark.parametrize("size", [0, 1, 10])
async def test_small_and_empty_parts_are_blobs(tmp_path: Path, size: int) -> None:
    metadata = MemoryMetadata()
    bucket, data = metadata.bucket(), data_of(size)
    async with running_engine(tmp_path, metadata) as engine:
        upload_id = await begin(engine, bucket)
        part = await add(engine, bucket, upload_id, 1, data)
        assert len(engine.stores.shard_files()) == 6
        await engine.objects.complete_upload(bucket, "key", upload_id, named(part))
        assert await engine.read_all(await engine.objects.open(bucket, "key")) == data


@pytest.mark.parametrize("number", [0, -1, 10_001])
async def test_part_numbers_are_bounded(tmp_path: Path, number: int) -> None:
    metadata = MemoryMetadata()
    bucket = metadata.bucket()
    async with running_engine(tmp_path, metadata, stores=1) as engine:
        upload_id = await begin(engine, bucket)
        with pytest.raises(InvalidArgument, match="partNumber"):
            await add(engine, bucket, upload_id, number, b"x")


async def test_full_object_checksums_are_combined(tmp_path: Path) -> None:
    metadata = MemoryMetadata()
    bucket, datas = metadata.bucket(), [data_of(PART, 1), data_of(33, 2)]
    async with running_engine(tmp_path, metadata, settings=SMALL_PARTS) as engine:
        upload_id = await begin(engine, bucket, ChecksumAlgorithm.CRC32, ChecksumType.FULL_OBJECT)
        parts = [await add(engine, bucket, upload_id, n, data) for n, data in enumerate(datas, 1)]
        whole = crc32(b"".join(datas))
        wrong = Checksum(ChecksumAlgorithm.CRC32, "AAAAAA==")
        with pytest.raises(ChecksumMismatch, match="AAAAAA=="):
            await engine.objects.complete_upload(bucket, "key", upload_id, named(*parts), checksum=wrong)
        other = Checksum(ChecksumAlgorithm.SHA256, "x")
        with pytest.raises(InvalidArgument, match="sha256"):
            await engine.objects.complete_upload(bucket, "key", upload_id, named(*parts), checksum=other)
        result = await engine.objects.complete_upload(bucket, "key", upload_id, named(*parts), checksum=whole)
        assert result.checksum == whole


async def test_composite_checksums_count_their_parts(tmp_path: Path) -> None:
    metadata = MemoryMetadata()
    bucket, datas = metadata.bucket(), [data_of(PART, 1), data_of(33, 2)]
    async with running_engine(tmp_path, metadata, settings=SMALL_PARTS) as engine:
        upload_id = await begin(engine, bucket, ChecksumAlgorithm.CRC32)
        parts = [await add(engine, bucket, upload_id, n, data) for n, data in enumerate(datas, 1)]
        joined = b"".join(zlib.crc32(data).to_bytes(4, "big") for data in datas)
        lied = [CompletedPart(1, parts[0].etag, crc32(datas[1])), *named(parts[1])]
        with pytest.raises(InvalidPart, match="checksum"):
            await engine.objects.complete_upload(bucket, "key", upload_id, lied)
        true = [CompletedPart(part.number, part.etag, part.checksum) for part in parts]
        result = await engine.objects.complete_upload(bucket, "key", upload_id, true)
        assert result.checksum == Checksum(ChecksumAlgorithm.CRC32, f"{crc32(joined).value}-2", ChecksumType.COMPOSITE)


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [
        (ChecksumAlgorithm.SHA256, ChecksumType.FULL_OBJECT),
        (ChecksumAlgorithm.CRC64NVME, ChecksumType.COMPOSITE),
        (None, ChecksumType.COMPOSITE),
    ],
)
async def test_impossible_checksum_types_are_refused(
    tmp_path: Path, algorithm: ChecksumAlgorithm | None, kind: ChecksumType
) -> None:
    metadata = MemoryMetadata()
    bucket = metadata.bucket()
    async with running_engine(tmp_path, metadata, stores=1) as engine:
        with pytest.raises(InvalidArgument, match="checksum-type"):
            await begin(engine, bucket, algorithm, kind)


# Copied parts


async def test_a_whole_object_as_a_part_is_shared(tmp_path: Path) -> None:
    metadata = MemoryMetadata()
    bucket, data = metadata.bucket(), data_of(PART * 3)
    async with running_engine(tmp_path, metadata) as engine:
        await engine.objects.put(bucket, "source", MemoryBody(data, checksum=crc32(data)), PLAIN)
        source = await engine.objects.open(bucket, "source")
        upload_id = await begin(engine, bucket, ChecksumAlgorithm.CRC32)
        part = await engine.objects.upload_part_copy(bucket, "key", upload_id, 1, source, 0, source.size)
        assert source.blob is not None
        assert (part.blob.id, part.checksum) == (source.blob.id, crc32(data))
        await engine.objects.complete_upload(bucket, "key", upload_id, named(part))
        await engine.objects.delete(bucket, [DeleteItem("source")])
        assert metadata.released == []
        assert await engine.read_all(await engine.objects.open(bucket, "key")) == data
        with pytest.raises(OperationAborted):
            await engine.objects.delete(bucket, [DeleteItem("key")])
            again = await begin(engine, bucket)
            await engine.objects.upload_part_copy(bucket, "key", again, 1, source, 0, source.size)


@pytest.mark.parametrize("source_size", [500, PART * 3])
async def test_a_range_as_a_part_is_written_anew(tmp_path: Path, source_size: int) -> None:
    metadata = MemoryMetadata()
    bucket, data = metadata.bucket(), data_of(source_size)
    async with running_engine(tmp_path, metadata) as engine:
        await engine.objects.put(bucket, "source", MemoryBody(data), PLAIN)
        source = await engine.objects.open(bucket, "source")
        upload_id = await begin(engine, bucket, ChecksumAlgorithm.CRC32)
        part = await engine.objects.upload_part_copy(bucket, "key", upload_id, 1, source, 100, source_size - 7)
        wanted = data[100 : source_size - 7]
        assert (part.etag, part.checksum) == (hashlib.md5(wanted).hexdigest(), crc32(wanted))
        await engine.objects.complete_upload(bucket, "key", upload_id, named(part))
        assert await engine.read_all(await engine.objects.open(bucket, "key")) == wanted


async def test_a_part_of_a_multipart_source_is_shared(tmp_path: Path) -> None:
    """What clients do that copy large objects part by part: no byte moves."""
    metadata = MemoryMetadata()
    bucket, datas = metadata.bucket(), [data_of(PART, 1), data_of(PART, 2)]
    async with running_engine(tmp_path, metadata, settings=SMALL_PARTS) as engine:
        upload_id = await begin(engine, bucket)
        parts = [await add(engine, bucket, upload_id, n, data) for n, data in enumerate(datas, 1)]
        await engine.objects.complete_upload(bucket, "key", upload_id, named(*parts))
        source = await engine.objects.open(bucket, "key")
        again = await begin(engine, bucket, ChecksumAlgorithm.SHA256)
        copied = await engine.objects.upload_part_copy(bucket, "key", again, 1, source, PART, 2 * PART)
        assert (copied.blob.id, copied.etag) == (parts[1].blob.id, parts[1].etag)
        # A checksum that is not known is computed; the bytes are shared all the same.
        assert copied.checksum is not None
        assert copied.checksum.value == base64.b64encode(hashlib.sha256(datas[1]).digest()).decode()
        across = await engine.objects.upload_part_copy(bucket, "key", again, 2, source, PART - 5, PART + 5)
        assert across.etag == hashlib.md5(datas[0][-5:] + datas[1][:5]).hexdigest()


async def test_copying_a_multipart_object_keeps_its_etag(tmp_path: Path) -> None:
    metadata = MemoryMetadata()
    bucket, datas = metadata.bucket(), [data_of(PART, 1), data_of(PART, 2)]
    async with running_engine(tmp_path, metadata, settings=SMALL_PARTS) as engine:
        upload_id = await begin(engine, bucket)
        parts = [await add(engine, bucket, upload_id, n, data) for n, data in enumerate(datas, 1)]
        result = await engine.objects.complete_upload(bucket, "key", upload_id, named(*parts))
        source = await engine.objects.open(bucket, "key")
        copied = await engine.objects.copy(bucket, source, bucket, "copy", PLAIN)
        assert copied.etag == result.etag
        await engine.objects.delete(bucket, [DeleteItem("key")])
        assert await engine.read_all(await engine.objects.open(bucket, "copy")) == b"".join(datas)
