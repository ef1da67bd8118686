"""Where each byte of a body goes: segments, sealed segments, fragments, frames. Pure arithmetic.

A body is cut into segments of `segment_bytes` (the last one short; an empty body has none). A sealed segment
is `sealed_overhead_bytes` longer. It is coded into k + m fragments of ceil(sealed / k) bytes each. A shard
file holds a header, then for each segment a frame: its head and the fragment.
"""

from __future__ import annotations

from dataclasses import dataclass

from dataplane.contracts import BlobRecord, Profile

SHARD_HEADER_BYTES = 64
FRAME_HEAD_BYTES = 20
SEAL_BYTES = 16
"""What sealing adds to a segment: the GCM tag."""


@dataclass(frozen=True, slots=True)
class SegmentRange:
    """The part [start, stop) of segment `index` that a read wants."""

    index: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Stripes:
    """The layout of one blob."""

    size: int
    segment_bytes: int
    profile: Profile
    sealed: bool

    @classmethod
    def of(cls, blob: BlobRecord) -> Stripes:
        return cls(blob.size, blob.segment_bytes, blob.profile, blob.encryption is not None)

    @property
    def segments(self) -> int:
        return -(-self.size // self.segment_bytes)

    def plain_bytes(self, index: int) -> int:
        """Plain length of segment `index`."""
        if not 0 <= index < self.segments:
            raise IndexError(f"segment {index} of {self.segments}")
        return min(self.segment_bytes, self.size - index * self.segment_bytes)

    def coded_bytes(self, index: int) -> int:
        """Length of segment `index` as it is handed to the codec."""
        return self.plain_bytes(index) + (SEAL_BYTES if self.sealed else 0)

    def fragment_bytes(self, index: int) -> int:
        return -(-self.coded_bytes(index) // self.profile.k)

    def is_last(self, index: int) -> bool:
        return index == self.segments - 1

    @property
    def full_frame_bytes(self) -> int:
        """Length of the frame of a whole segment."""
        coded = self.segment_bytes + (SEAL_BYTES if self.sealed else 0)
        return FRAME_HEAD_BYTES + -(-coded // self.profile.k)

    def frame_offset(self, index: int) -> int:
        """Where the frame of segment `index` begins in every shard file."""
        return SHARD_HEADER_BYTES + index * self.full_frame_bytes

    def frame_bytes(self, index: int) -> int:
        return FRAME_HEAD_BYTES + self.fragment_bytes(index)

    @property
    def shard_bytes(self) -> int:
        """Length of every shard file."""
        if self.segments == 0:
            return SHARD_HEADER_BYTES
        last = self.segments - 1
        return self.frame_offset(last) + self.frame_bytes(last)

    def cover(self, start: int, stop: int) -> list[SegmentRange]:
        """The segments that [start, stop) touches, and which part of each."""
        if not 0 <= start <= stop <= self.size:
            raise ValueError(f"the range [{start}, {stop}) does not lie within {self.size} bytes")
        if start == stop:
            return []
        first, last = start // self.segment_bytes, (stop - 1) // self.segment_bytes
        return [
            SegmentRange(
                index,
                start - index * self.segment_bytes if index == first else 0,
                stop - index * self.segment_bytes if index == last else self.segment_bytes,
            )
            for index in range(first, last + 1)
        ]
