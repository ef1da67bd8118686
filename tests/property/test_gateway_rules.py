"""Small pure rules of the gateway, for all inputs: ranges, tokens, encoded words, checksums."""

from __future__ import annotations

from email.header import decode_header, make_header

from hypothesis import given
from hypothesis import strategies as st

from dataplane.checksums import new_digest
from dataplane.contracts import ChecksumAlgorithm
from dataplane.errors import InvalidContinuationToken, InvalidRange
from s3gateway.body.checksums import encode_checksum, is_checksum_value
from s3gateway.errors import S3Error
from s3gateway.headers import decode_words, encode_words
from s3gateway.listing_tokens import OBJECTS, decode_token, encode_token
from s3gateway.ranges import parse_copy_range, parse_range, part_interval

texts = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=60)


@given(first=st.none() | st.integers(0, 120), last=st.none() | st.integers(0, 120), size=st.integers(0, 100))
def test_a_range_is_what_http_says(first: int | None, last: int | None, size: int) -> None:
    """RFC 9110 14.1.2 over the list of positions, except that S3 ignores suffixes of empty objects."""
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    positions = list(range(size))
    if first is None:
        wanted = None if last is None else positions[-last:] if last else []
        ignored = last is None or (size == 0 and last > 0)
    else:
        wanted = positions[first:] if last is None else positions[first : last + 1]
        ignored = last is not None and last < first
    try:
        interval = parse_range(header, size)
    except InvalidRange:
        assert not ignored
        assert wanted == []
        return
    if ignored:
        assert interval is None
    else:
        assert interval is not None
        assert list(range(*interval)) == wanted
        assert wanted


@given(header=st.text(max_size=40) | st.from_regex(r"bytes=[0-9 ,\-]{0,20}", fullmatch=True), size=st.integers(0, 50))
def test_no_range_header_breaks_anything(header: str, size: int) -> None:
    try:
        interval = parse_range(header, size)
    except InvalidRange:
        return
    if interval is not None:
        start, stop = interval
        assert 0 <= start < stop <= size


@given(header=st.text(max_size=40) | st.from_regex(r"bytes=[0-9\-]{0,12}", fullmatch=True), size=st.integers(0, 50))
def test_no_copy_range_reaches_outside_its_source(header: str, size: int) -> None:
    try:
        start, stop = parse_copy_range(header, size)
    except S3Error as error:
        assert error.code == "InvalidArgument"
        return
    assert 0 <= start < stop <= size


@given(sizes=st.lists(st.integers(0, 10), min_size=1, max_size=8))
def test_parts_follow_each_other(sizes: list[int]) -> None:
    end = 0
    for place, size in enumerate(sizes):
        start, stop = part_interval(sizes, place)
        assert (start, stop) == (end, end + size)
        end = stop


@given(after=texts)
def test_tokens_come_back(after: str) -> None:
    assert decode_token(OBJECTS, encode_token(OBJECTS, after)) == after


@given(token=st.text(max_size=60))
def test_no_token_breaks_anything(token: str) -> None:
    try:
        after = decode_token(OBJECTS, token)
    except InvalidContinuationToken:
        return
    assert encode_token(OBJECTS, after) == token.rstrip("=")


@given(value=texts)
def test_encoded_words_are_sendable_and_readable(value: str) -> None:
    encoded = encode_words(value)
    assert encoded.isascii()
    assert encoded.isprintable() or encoded == ""
    if encoded != value:
        assert str(make_header(decode_header(encoded))) == value


@given(value=st.text(max_size=80) | st.from_regex(r"=\?[a-zA-Z0-9-]{1,8}\?[bBqQ]\?[!-~]{0,20}\?=", fullmatch=True))
def test_decoding_words_never_fails_and_lets_no_control_through(value: str) -> None:
    decoded = decode_words(value)
    if decoded != value:
        assert not any(character < " " and character != "\t" for character in decoded)


@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=5))
def test_checksums_do_not_depend_on_the_cuts(data: bytes, cuts: list[int]) -> None:
    points = sorted(min(cut, len(data)) for cut in cuts)
    for algorithm in ChecksumAlgorithm:
        whole, pieces = new_digest(algorithm), new_digest(algorithm)
        whole.update(data)
        for start, stop in zip([0, *points], [*points, len(data)], strict=True):
            pieces.update(data[start:stop])
        value = encode_checksum(whole.digest())
        assert encode_checksum(pieces.digest()) == value
        assert is_checksum_value(algorithm, value)
