"""The Range header and part numbers as byte intervals. Pure; knows sizes, not objects.

S3 serves one range at a time. What is not one well-formed byte range is ignored: the whole object is the answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from dataplane.errors import InvalidRange
from s3gateway.errors import invalid_argument

_ONE_RANGE: Final = re.compile(r"bytes=([0-9]{0,20})-([0-9]{0,20})", re.ASCII)
_COPY_RANGE: Final = re.compile(r"bytes=([0-9]{1,20})-([0-9]{1,20})", re.ASCII)


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """`[start, stop)` of the object that `header` asks for, or None: the whole object, status 200.

    Raises `InvalidRange` (416) where the range is well formed and holds no byte of the object.
    """
    match = _ONE_RANGE.fullmatch(header.strip())
    if match is None:
        return None
    first, last = match[1], match[2]
    if not first:
        return _suffix(header, last, size)
    start = int(first)
    stop = int(last) + 1 if last else max(size, start + 1)
    if stop <= start:
        return None
    if start >= size:
        raise InvalidRange(header, size)
    return start, min(stop, size)


def _suffix(header: str, count: str, size: int) -> tuple[int, int] | None:
    if not count:
        return None
    length = int(count)
    if length == 0:
        raise InvalidRange(header, size)
    if size == 0:
        return None
    return max(0, size - length), size


def parse_copy_range(header: str, size: int) -> tuple[int, int]:
    """`[start, stop)` of x-amz-copy-source-range, which must be `bytes=first-last` inside the source."""
    match = _COPY_RANGE.fullmatch(header)
    start, stop = (int(match[1]), int(match[2]) + 1) if match is not None else (0, 0)
    if stop <= start:
        raise invalid_argument(
            "x-amz-copy-source-range",
            header,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
            "zero-based offsets of the first and last bytes to copy",
        )
    if stop > size:
        raise invalid_argument(
            "x-amz-copy-source-range", header, f"Range specified is not valid for source object of size: {size}"
        )
    return start, stop


def part_interval(sizes: Sequence[int], index: int) -> tuple[int, int]:
    """`[start, stop)` of the part at `index` (from 0) of an object whose parts have these sizes."""
    start = sum(sizes[:index])
    return start, start + sizes[index]


def content_range(start: int, stop: int, size: int) -> bytes:
    return b"bytes %d-%d/%d" % (start, stop - 1, size)
