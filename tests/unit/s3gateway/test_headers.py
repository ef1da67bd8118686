"""Header values in S3's forms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from dataplane.contracts import NO_HEADERS, NULL_VERSION, ObjectHeaders
from dataplane.errors import MetadataTooLarge
from s3gateway.errors import S3Error
from s3gateway.headers import (
    content_header_lines,
    content_headers,
    decode_words,
    encode_words,
    http_date,
    iso_date,
    parse_http_date,
    parse_version_id,
    user_metadata,
    user_metadata_headers,
    version_text,
)

MOMENT = datetime(2026, 11, 20, 7, 0, 5, 987654, tzinfo=UTC)


def test_dates() -> None:
    assert http_date(MOMENT) == b"Fri, 20 Nov 2026 07:00:05 GMT"
    assert iso_date(MOMENT) == "2026-11-20T07:00:05.987Z"
    assert iso_date(MOMENT.astimezone(timezone(timedelta(hours=5)))) == "2026-11-20T07:00:05.987Z"
    assert iso_date(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02T00:00:00.000Z"


@pytest.mark.parametrize(
    "text",
    [
        "Fri, 20 Nov 2026 07:00:05 GMT",
        "Friday, 20-Nov-26 07:00:05 GMT",
        "Fri Nov 20 07:00:05 2026",
        "Fri, 20 Nov 2026 12:00:05 +0500",
        "2026-11-20T07:00:05Z",
        "2026-11-20T07:00:05.000Z",
        "2026-11-20T12:00:05+05:00",
        "2026-11-20T07:00:05",
    ],
)
def test_dates_in_every_form(text: str) -> None:
    assert parse_http_date(text) == MOMENT.replace(microsecond=0)


@pytest.mark.parametrize("text", ["", "soon", "2026-13-40T99:00:00Z", "Fri, 99 Nov 2026 07:00:05 GMT", "0", "(\x00"])
def test_what_is_no_date(text: str) -> None:
    assert parse_http_date(text) is None


def test_version_ids() -> None:
    assert (parse_version_id("null"), parse_version_id("abc")) == (NULL_VERSION, "abc")
    assert (version_text(NULL_VERSION), version_text("abc")) == ("null", "abc")
    with pytest.raises(S3Error):
        parse_version_id("")


# ---------------------------------------------------------------- user metadata


def test_user_metadata_of_a_request() -> None:
    headers = {
        b"x-amz-meta-plain": b" value ",
        b"x-amz-meta-utf8": "Grüße".encode(),
        b"x-amz-meta-latin": b"Hello World\xe9",
        b"x-amz-meta-word": b"=?UTF-8?Q?Gr=C3=BC=C3=9Fe?=",
        b"x-amz-meta-": b"empty name",
        b"content-type": b"text/plain",
    }
    assert user_metadata(headers, 2048) == {
        "plain": "value",
        "utf8": "Grüße",
        "latin": "Hello Worldé",
        "word": "Grüße",
        "": "empty name",
    }


def test_user_metadata_has_a_limit_in_bytes() -> None:
    headers = {b"x-amz-meta-ab": "ü".encode() * 10}
    assert user_metadata(headers, 22) == {"ab": "ü" * 10}
    with pytest.raises(MetadataTooLarge) as caught:
        user_metadata(headers, 21)
    assert (caught.value.size_bytes, caught.value.limit_bytes) == (22, 21)


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "=?UTF-8?B?broken!?=",
        "=?no-such-charset?B?YWJj?=",
        "=?UTF-8?X?abc?=",
        "a =? b",
        "mixed 你好 =?UTF-8?B?YWJj?=",
        "=?0?B?0?=",
        # A word that holds a line break would smuggle a header into the reply.
        "=?UTF-8?B?YQ0KYjogYw==?=",
    ],
)
def test_words_that_stay_as_they_are(value: str) -> None:
    assert decode_words(value) == value


@pytest.mark.parametrize("value", ["Grüße 你好", "\U0001f600", "a\tb", "line\nbreak", "é" * 300])
def test_words_come_back(value: str) -> None:
    encoded = encode_words(value)
    assert encoded.isascii()
    assert encoded.isprintable()
    assert encoded.startswith("=?UTF-8?B?")


def test_several_words_are_one_value() -> None:
    assert decode_words("=?UTF-8?B?R3LDvA==?= =?UTF-8?Q?=C3=9Fe?=") == "Grüße"


def test_metadata_lines() -> None:
    lines = list(user_metadata_headers({"a": "plain", "b": "Grüße"}))
    assert lines == [(b"x-amz-meta-a", b"plain"), (b"x-amz-meta-b", b"=?UTF-8?B?R3LDvMOfZQ==?=")]


# ---------------------------------------------------------------- content headers


def test_no_content_headers_share_one_value() -> None:
    assert content_headers({b"host": b"x"}) is NO_HEADERS
    assert content_header_lines(NO_HEADERS) == ((b"content-type", b"binary/octet-stream"),)


def test_content_headers_both_ways() -> None:
    sent = {
        b"content-type": b"text/html",
        b"content-encoding": b"gzip",
        b"content-disposition": b"inline",
        b"content-language": b"de, en",
        b"cache-control": b"no-store",
        b"expires": b"0",
        b"x-amz-website-redirect-location": b"https://example.com/",
    }
    stored = content_headers(sent)
    assert stored == ObjectHeaders("text/html", "gzip", "inline", "de, en", "no-store", "0", "https://example.com/")
    assert dict(content_header_lines(stored)) == sent


@pytest.mark.parametrize("value", ["Other", "ftp://x", " "])
def test_redirects_lead_somewhere(value: str) -> None:
    with pytest.raises(S3Error) as caught:
        content_headers({b"x-amz-website-redirect-location": value.encode()})
    assert caught.value.code == "InvalidRedirectLocation"
