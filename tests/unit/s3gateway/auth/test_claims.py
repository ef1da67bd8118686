"""The remembered parts of claims: bounded, and right."""

from __future__ import annotations

import hmac

import pytest

from s3gateway.auth import claims
from s3gateway.auth.claims import Memo, amz_date_seconds, credential_scope, http_date_to_amz, signed_headers
from s3gateway.auth.header import parse_authorization
from s3gateway.auth.payload import EMPTY_SHA256
from s3gateway.auth.sigv4 import canonical_headers, canonical_request, signing_key, string_to_sign, verify
from s3gateway.errors import S3Error
from s3gateway.request import S3Request


def test_a_memo_computes_once_and_starts_over_when_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "MEMO_LIMIT", 3)
    computed: list[str] = []

    def double(text: str) -> str:
        computed.append(text)
        return text * 2

    memo: Memo[str, str] = Memo(double)
    assert [memo[key] for key in "aabbcc"] == ["aa", "aa", "bb", "bb", "cc", "cc"]
    assert computed == ["a", "b", "c"]
    assert memo["d"] == "dd"
    assert list(memo) == ["d"]


def test_a_memo_does_not_keep_junk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "MEMO_KEY_LIMIT", 10)
    memo: Memo[bytes, int] = Memo(len)
    assert memo[b"x" * 11] == 11
    assert not memo
    assert memo[b"x" * 10] == 10
    assert len(memo) == 1


def test_scopes() -> None:
    scope = credential_scope[b"AK/with/slashes/20260524/eu-central-1/s3/aws4_request"]
    assert scope is not None
    assert (scope.access_key, scope.date, scope.region) == ("AK/with/slashes", "20260524", "eu-central-1")
    assert scope.text == "20260524/eu-central-1/s3/aws4_request"
    for raw in (b"", b"AK", b"AK/20260524/eu/s3", b"AK//eu/s3/aws4_request", b"\xff/20260524/eu/s3/aws4_request"):
        assert credential_scope[raw] is None


def test_header_lists() -> None:
    parsed = signed_headers[b"host;x-amz-date"]
    assert parsed is not None
    assert parsed.names == (b"host", b"x-amz-date")
    for raw in (b"", b"host;", b";host", b"Host", b"host;;date"):
        assert signed_headers[raw] is None


def test_dates() -> None:
    assert amz_date_seconds["19700101T000001Z"] == 1.0
    assert amz_date_seconds["20260524T120000Z"] == 1_779_624_000.0
    for text in ("", "20260524", "20260524T120000", "20260230T000000Z", "20260524T250000Z", "20260524T120000Z "):
        assert amz_date_seconds[text] is None


@pytest.mark.parametrize(
    ("text", "amz"),
    [
        ("Sun, 24 May 2026 12:00:00 GMT", "20260524T120000Z"),
        ("Sun, 24 May 2026 14:00:00 +0200", "20260524T120000Z"),
        ("20260524T120000Z", "20260524T120000Z"),
        ("yesterday", None),
        ("", None),
    ],
)
def test_http_dates(text: str, amz: str | None) -> None:
    assert http_date_to_amz(text) == amz


def signed_with(headers: dict[bytes, bytes], names: bytes, as_signed: dict[bytes, bytes]) -> S3Request:
    """A request whose signer saw `as_signed`."""
    headers = {b"host": b"h", b"x-amz-content-sha256": EMPTY_SHA256.encode(), **headers}
    prefix = b"AWS4-HMAC-SHA256 Credential=AK/20260524/us-east-1/s3/aws4_request, SignedHeaders=" + names
    headers[b"authorization"] = prefix + b", Signature=" + b"0" * 64
    request = S3Request("GET", b"/b/k", b"", headers)
    claim = parse_authorization(request, headers[b"authorization"])
    lines = canonical_headers({**headers, **as_signed}, claim.signed_headers.names)
    text = string_to_sign(claim.amz_date, claim.scope.text, canonical_request(claim, "GET", b"/b/k", b"", lines))
    signature = hmac.digest(KEY, text, "sha256").hex().encode()
    request.headers = {**headers, b"authorization": prefix + b", Signature=" + signature}
    return request


KEY = signing_key("secret", "20260524", "us-east-1")


def verified(request: S3Request) -> None:
    verify(request, parse_authorization(request, request.headers[b"authorization"]), KEY)


def test_the_date_header_does_where_there_is_no_other() -> None:
    verified(signed_with({b"date": b"Sun, 24 May 2026 12:00:00 GMT"}, b"date;host", {}))


def test_white_space_in_values_counts_once() -> None:
    headers = {b"x-amz-date": b"20260524T120000Z", b"x-amz-meta-a": b" a   b\tc "}
    verified(signed_with(headers, b"host;x-amz-date;x-amz-meta-a", {b"x-amz-meta-a": b"a b c"}))


def test_a_proxy_may_take_expect_away() -> None:
    headers = {b"x-amz-date": b"20260524T120000Z"}
    verified(signed_with(headers, b"expect;host;x-amz-date", {b"expect": b"100-continue"}))


def test_latin_1_values_may_have_been_signed_as_utf_8() -> None:
    headers = {b"x-amz-date": b"20260524T120000Z", b"x-amz-meta-a": "é".encode("latin-1")}
    verified(signed_with(headers, b"host;x-amz-date;x-amz-meta-a", {b"x-amz-meta-a": "é".encode()}))


def test_another_value_is_still_another() -> None:
    headers = {b"x-amz-date": b"20260524T120000Z", b"x-amz-meta-a": b"a"}
    with pytest.raises(S3Error, match="SignatureDoesNotMatch"):
        verified(signed_with(headers, b"host;x-amz-date;x-amz-meta-a", {b"x-amz-meta-a": b"b"}))
