"""The shard file format, version 1 (docs/concepts/shard-format.md). Pure: bytes in, bytes out.

    header   64 bytes    magic, version, profile, sizes, blob id, own checksum
    frame 0  20 bytes    length of the fragment, checksum; then the fragment
    frame 1  ...

Numbers are big endian. The checksum of a frame is XXH3-128 of the fragment, seeded by blob id, shard index
and segment number: a good fragment in the wrong place is a bad one. Frame offsets are arithmetic
(`dataplane.erasure.stripes`), so a range reads only what it needs.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from uuid import UUID

import xxhash

from dataplane.contracts import Profile
from dataplane.erasure.stripes import FRAME_HEAD_BYTES, SHARD_HEADER_BYTES, Stripes

MAGIC = b"ANVILSHD"
VERSION = 1

_FLAG_SEALED = 1

_HEADER = struct.Struct(">8sHHHBBBxIQ16s2x")
_FRAME_HEAD = struct.Struct(">I16s")
_CHECKSUM_BYTES = 16
_SEED_STEP = 0x9E3779B97F4A7C15
"""Odd, so that the seeds of a shard's frames repeat only after 2**64 frames."""
_SEED_MASK = (1 << 64) - 1

assert _HEADER.size + _CHECKSUM_BYTES == SHARD_HEADER_BYTES
assert _FRAME_HEAD.size == FRAME_HEAD_BYTES


class BadFrame(ValueError):
    """Bytes that are not what the writer wrote there. `str()` says how they differ."""


@dataclass(frozen=True, slots=True)
class ShardHeader:
    """What a shard file says of itself, enough to read it without any database."""

    blob_id: UUID
    index: int
    stripes: Stripes


def pack_header(header: ShardHeader) -> bytes:
    stripes = header.stripes
    fields = _HEADER.pack(
        MAGIC,
        VERSION,
        SHARD_HEADER_BYTES,
        _FLAG_SEALED if stripes.sealed else 0,
        stripes.profile.k,
        stripes.profile.m,
        header.index,
        stripes.segment_bytes,
        stripes.size,
        header.blob_id.bytes,
    )
    return fields + xxhash.xxh3_128_digest(fields)


def unpack_header(data: bytes | memoryview) -> ShardHeader:
    """Raises `BadFrame` where the bytes are not a header of a version that is known here."""
    if len(data) < SHARD_HEADER_BYTES:
        raise BadFrame(f"a shard header has {SHARD_HEADER_BYTES} bytes; there are {len(data)}")
    magic, version, size, flags, k, m, index, segment_bytes, plain_bytes, blob_id = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise BadFrame("not a shard file: its first bytes are others")
    if version != VERSION or size != SHARD_HEADER_BYTES:
        raise BadFrame(f"shard format version {version} is not known here; this is version {VERSION}")
    if xxhash.xxh3_128_digest(data[: _HEADER.size]) != data[_HEADER.size : SHARD_HEADER_BYTES]:
        raise BadFrame("the shard header does not match its checksum")
    stripes = Stripes(plain_bytes, segment_bytes, Profile(k, m), bool(flags & _FLAG_SEALED))
    return ShardHeader(UUID(bytes=blob_id), index, stripes)


def shard_seed(blob_id: UUID, index: int) -> int:
    """Where the seeds of a shard's frames begin; computed once per shard."""
    return xxhash.xxh3_64_intdigest(blob_id.bytes + bytes((index,)))


def frame_head(seed: int, segment: int, fragment: bytes | memoryview) -> bytes:
    return _FRAME_HEAD.pack(len(fragment), _checksum(seed, segment, fragment))


def open_frame(seed: int, segment: int, frame: bytes | memoryview, fragment_bytes: int) -> memoryview:
    """The verified fragment of a frame. Raises `BadFrame`."""
    if len(frame) != FRAME_HEAD_BYTES + fragment_bytes:
        raise BadFrame(f"frame {segment} has {len(frame)} bytes of {FRAME_HEAD_BYTES + fragment_bytes}")
    length, checksum = _FRAME_HEAD.unpack_from(frame)
    if length != fragment_bytes:
        raise BadFrame(f"frame {segment} says it holds {length} bytes; it should hold {fragment_bytes}")
    fragment = memoryview(frame)[FRAME_HEAD_BYTES:]
    if _checksum(seed, segment, fragment) != checksum:
        raise BadFrame(f"the fragment of frame {segment} does not match its checksum")
    return fragment


def _checksum(seed: int, segment: int, fragment: bytes | memoryview) -> bytes:
    return xxhash.xxh3_128_digest(fragment, (seed + segment * _SEED_STEP) & _SEED_MASK)
