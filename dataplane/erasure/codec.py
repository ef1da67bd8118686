"""The codec: a segment into k + m fragments and back, over pyeclib's ISA-L Cauchy Reed-Solomon.

pyeclib is wrapped because it is sharp: anything but `bytes` makes its decoder abort the process, and it does
not notice a fragment with wrong bytes. So only `bytes` of the right length reach it here, and the caller has
verified each fragment before.

pyeclib puts an 80-byte header before each fragment. It is a function of profile, index and segment length
alone, so it is not stored: fragments here are bare, and a decode takes the headers from a coding of zeros of
the same length. With all data fragments at hand nothing is decoded, they are joined.

A coding call holds the GIL for about 0.1 ms per MiB and runs inline on the event loop.
Must not know: files, encryption.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from pyeclib.ec_iface import ECDriver

from dataplane.contracts import Profile
from dataplane.erasure.profile import MAX_SHARDS

PYECLIB_HEADER_BYTES = 80

MAX_CACHED_PROFILES = 32
MAX_CACHED_HEADERS = 256
"""One entry per profile and length of segment decoded: all whole segments share one."""

Fragment = bytes | bytearray | memoryview


class Codec:
    """Codes segments by one profile. Stateless but for its driver; get it by `codec_for`."""

    def __init__(self, profile: Profile) -> None:
        if profile.k < 1 or profile.m < 0 or profile.shards > MAX_SHARDS:
            raise ValueError(f"the codec cannot do {profile}: k >= 1, m >= 0, at most {MAX_SHARDS} shards")
        self.profile = profile
        # m = 0 is refused by the library and needs no coding.
        self._driver = (
            ECDriver(k=profile.k, m=profile.m, ec_type="isa_l_rs_cauchy", chksum_type="none") if profile.m else None
        )

    def encode(self, segment: bytes) -> list[memoryview]:
        """k + m fragments of ceil(len / k) bytes each; the first k joined are the segment and padding."""
        if type(segment) is not bytes:
            raise TypeError(f"a segment must be bytes, not {type(segment).__name__}")
        if not segment:
            raise ValueError("an empty segment is not coded")
        size = self.fragment_bytes(len(segment))
        if self._driver is None:
            padded = memoryview(segment.ljust(size * self.profile.k, b"\0"))
            return [padded[i * size : (i + 1) * size] for i in range(self.profile.k)]
        fragments = self._driver.encode(segment)
        if len(fragments) != self.profile.shards or any(len(f) != PYECLIB_HEADER_BYTES + size for f in fragments):
            raise RuntimeError(f"pyeclib coded {len(segment)} bytes by {self.profile} into an unknown shape")
        return [memoryview(fragment)[PYECLIB_HEADER_BYTES:] for fragment in fragments]

    def fragment_bytes(self, segment_bytes: int) -> int:
        return -(-segment_bytes // self.profile.k)

    def missing_data(self, indexes: Iterable[int]) -> bool:
        """True where a data fragment is not among `indexes`, so that a decode is needed."""
        present = set(indexes)
        return any(i not in present for i in range(self.profile.k))

    def decode(self, fragments: Mapping[int, Fragment], segment_bytes: int) -> bytes:
        """The segment of `segment_bytes` from any k verified fragments, by index."""
        self._check(fragments, segment_bytes)
        k = self.profile.k
        if not self.missing_data(fragments):
            joined = b"".join([fragments[i] for i in range(k)])
            return joined if len(joined) == segment_bytes else joined[:segment_bytes]
        if self._driver is None or len(fragments) < k:
            raise ValueError(f"{self.profile} needs {k} fragments; got {sorted(fragments)}")
        chosen = sorted(fragments)[:k]
        decoded = self._driver.decode(self._with_headers(fragments, chosen, segment_bytes))
        if type(decoded) is not bytes or len(decoded) != segment_bytes:
            raise RuntimeError(f"pyeclib decoded {segment_bytes} bytes by {self.profile} into an unknown shape")
        return decoded

    def reconstruct(self, fragments: Mapping[int, Fragment], segment_bytes: int, wanted: Sequence[int]) -> list[bytes]:
        """The fragments of the indexes `wanted`, from any k verified ones."""
        segment = self.decode(fragments, segment_bytes)
        coded = self.encode(segment)
        return [bytes(coded[i]) for i in wanted]

    def _check(self, fragments: Mapping[int, Fragment], segment_bytes: int) -> None:
        size = self.fragment_bytes(segment_bytes)
        for index, fragment in fragments.items():
            if not 0 <= index < self.profile.shards:
                raise ValueError(f"{self.profile} has no fragment {index}")
            if len(fragment) != size:
                raise ValueError(f"fragment {index} has {len(fragment)} bytes; {size} are needed")

    def _with_headers(
        self, fragments: Mapping[int, Fragment], indexes: Sequence[int], segment_bytes: int
    ) -> list[bytes]:
        headers = _headers(self.profile, segment_bytes)
        whole = [b"".join((headers[i], fragments[i])) for i in indexes]
        # Anything but bytes would abort the process inside the library.
        if any(type(fragment) is not bytes for fragment in whole):
            raise TypeError("only bytes may reach the decoder")
        return whole


@lru_cache(maxsize=MAX_CACHED_PROFILES)
def codec_for(profile: Profile) -> Codec:
    """The codec of `profile`; a driver is made once per profile and process."""
    return Codec(profile)


@lru_cache(maxsize=MAX_CACHED_HEADERS)
def _headers(profile: Profile, segment_bytes: int) -> tuple[bytes, ...]:
    driver = codec_for(profile)._driver
    if driver is None:
        raise ValueError(f"{profile} has no headers: it is not coded")
    return tuple(fragment[:PYECLIB_HEADER_BYTES] for fragment in driver.encode(bytes(segment_bytes)))
