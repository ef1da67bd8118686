"""Whatever botocore signs is verified, and nothing else is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3gateway.auth.authenticate import Authenticator
from s3gateway.errors import S3Error
from s3gateway.request import S3Request
from s3gateway.settings import GatewaySettings
from tests.support.memory_directory import MemoryDirectory
from tests.support.signing import ACCESS_KEY, SECRET_KEY, presigned, signed

NOW = datetime(2026, 5, 24, 12, 0, 0, tzinfo=UTC)
DIRECTORY = MemoryDirectory()
DIRECTORY.add_app(ACCESS_KEY, SECRET_KEY)
AUTHENTICATOR = Authenticator(DIRECTORY, GatewaySettings())

# What an HTTP client can put on the wire: no lone surrogates; header values without control characters.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
HEADER_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
NAMES = st.sampled_from(["prefix", "delimiter", "marker", "max-keys", "versionId", "acl", "a-b", "a", "list-type"])
QUERIES = st.lists(st.tuples(NAMES, TEXT), max_size=4, unique_by=lambda pair: pair[0])
HEADERS = st.dictionaries(
    st.sampled_from(["x-amz-meta-a", "x-amz-meta-b", "content-type", "x-amz-tagging", "range", "if-match"]),
    HEADER_TEXT,
    max_size=4,
)
METHODS = st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"])


def url_path(key: str, query: list[tuple[str, str]]) -> str:
    path = "/bucket/" + quote(key, safe="/-._~")
    parameters = "&".join(f"{name}={quote(value, safe='-._~')}" for name, value in query)
    return f"{path}?{parameters}" if parameters else path


def access_key_of(request: S3Request) -> str | None:
    principal, _ = asyncio.run(AUTHENTICATOR.authenticate(request, NOW.timestamp()))
    return None if principal is None else principal.access_key


@settings(max_examples=150, deadline=None)
@given(METHODS, TEXT, QUERIES, HEADERS, st.binary(max_size=64))
def test_signed_headers(
    method: str, key: str, query: list[tuple[str, str]], headers: dict[str, str], body: bytes
) -> None:
    request = signed(method, url_path(key, query), body, headers, at=NOW)
    assert access_key_of(request) == ACCESS_KEY


@settings(max_examples=150, deadline=None)
@given(METHODS, TEXT, QUERIES)
def test_presigned_urls(method: str, key: str, query: list[tuple[str, str]]) -> None:
    request = presigned(method, url_path(key, query), at=NOW)
    assert access_key_of(request) == ACCESS_KEY


@settings(max_examples=100, deadline=None)
@given(TEXT, QUERIES, st.data())
def test_a_changed_signed_byte_is_noticed(key: str, query: list[tuple[str, str]], data: st.DataObject) -> None:
    """Any one hexadecimal digit, letter or digit of what was signed."""
    request = signed("GET", url_path(key, query), at=NOW)
    target = data.draw(st.sampled_from(["path", "date", "payload", "signature"]))
    if target == "path":
        request.raw_path += b"x"
    elif target == "date":
        request.headers = {**request.headers, b"x-amz-date": b"20260524T120001Z"}
    elif target == "payload":
        request.headers = {**request.headers, b"x-amz-content-sha256": b"UNSIGNED-PAYLOAD"}
    else:
        value = request.headers[b"authorization"]
        position = data.draw(st.integers(len(value) - 64, len(value) - 1))
        digit = b"0" if value[position : position + 1] != b"0" else b"1"
        request.headers = {
            **request.headers,
            b"authorization": value[:position] + digit + value[position + 1 :],
        }
    with pytest.raises(S3Error, match="SignatureDoesNotMatch"):
        access_key_of(request)


@settings(max_examples=100, deadline=None)
@given(TEXT, st.sampled_from("!'()*$&+,;=:@ "))
def test_other_spellings_of_the_same_path_are_verified(key: str, special: str) -> None:
    """Clients and proxies that leave characters as they are which S3's encoding would escape, and the other way."""
    request = signed("GET", url_path(f"{key}{special}", []), at=NOW)
    as_signed = request.raw_path
    request.raw_path = as_signed.replace(quote(special, safe="").encode(), special.encode())
    assert access_key_of(request) == ACCESS_KEY
    request.raw_path = b"".join(b"/" if byte == 0x2F else b"%%%02x" % byte for byte in unquote_to_bytes(as_signed))
    assert access_key_of(request) == ACCESS_KEY


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_nonsense_never_passes_and_never_breaks(authorization: bytes, query: bytes) -> None:
    for request in (
        S3Request("GET", b"/b/k", query, {b"authorization": authorization}),
        S3Request("GET", b"/b/k", b"X-Amz-Signature=1&" + query, {}),
        S3Request("GET", b"/b/k", b"", {b"authorization": b"AWS4-HMAC-SHA256 " + authorization}),
    ):
        with pytest.raises(S3Error):
            access_key_of(request)
