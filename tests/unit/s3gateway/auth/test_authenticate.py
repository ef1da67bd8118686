"""Whose request is it: every refusal of AWS by its code, and what passes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from s3gateway.auth.authenticate import Authenticator
from s3gateway.auth.payload import EMPTY_SHA256, PayloadKind
from s3gateway.errors import S3Error
from s3gateway.request import S3Request
from s3gateway.settings import GatewaySettings
from tests.support.memory_directory import MemoryDirectory
from tests.support.signing import ACCESS_KEY, SECRET_KEY, presigned, signed

NOW = datetime(2026, 5, 24, 12, 0, 0, tzinfo=UTC)


def authenticator(region: str = "us-east-1", *, slow: bool = False) -> tuple[Authenticator, MemoryDirectory]:
    directory = MemoryDirectory(slow=slow)
    directory.add_app(ACCESS_KEY, SECRET_KEY)
    return Authenticator(directory, GatewaySettings(region=region)), directory


async def refusal(request: S3Request, *, region: str = "us-east-1", now: datetime = NOW) -> S3Error:
    subject, _ = authenticator(region)
    with pytest.raises(S3Error) as caught:
        await subject.authenticate(request, now.timestamp())
    return caught.value


@pytest.mark.parametrize("slow", [False, True], ids=["cached", "looked up"])
async def test_a_signed_request_is_its_apps(slow: bool) -> None:
    subject, directory = authenticator(slow=slow)
    principal, payload = await subject.authenticate(signed("GET", "/b/k?list-type=2", at=NOW), NOW.timestamp())
    assert principal is directory.credentials[ACCESS_KEY].principal
    assert payload.kind is PayloadKind.SIGNED
    assert payload.sha256_hex == EMPTY_SHA256


async def test_a_presigned_request_is_its_apps_and_its_body_is_free() -> None:
    subject, directory = authenticator()
    principal, payload = await subject.authenticate(presigned("PUT", "/b/k", at=NOW), NOW.timestamp())
    assert principal is directory.credentials[ACCESS_KEY].principal
    assert payload.kind is PayloadKind.UNSIGNED


async def test_no_signature_is_nobody() -> None:
    subject, _ = authenticator()
    principal, payload = await subject.authenticate(S3Request("GET", b"/b/k", b"versionId=1", {}), NOW.timestamp())
    assert principal is None
    assert payload.kind is PayloadKind.UNSIGNED


async def test_an_unknown_key() -> None:
    error = await refusal(signed("GET", "/b/k", access_key="AKIDOTHER", at=NOW))
    assert (error.code, error.status) == ("InvalidAccessKeyId", 403)
    assert error.fields["AWSAccessKeyId"] == "AKIDOTHER"


@pytest.mark.parametrize("make", [signed, presigned])
async def test_a_wrong_secret(make: object) -> None:
    error = await refusal(make("GET", "/b/k", secret_key="wrong", at=NOW))  # type: ignore[operator]
    assert (error.code, error.status) == ("SignatureDoesNotMatch", 403)


async def test_a_rotated_secret_ends_the_old_one_at_once() -> None:
    subject, directory = authenticator()
    request = signed("GET", "/b/k", at=NOW)
    await subject.authenticate(request, NOW.timestamp())
    directory.add_app(ACCESS_KEY, "a new secret")
    with pytest.raises(S3Error, match="SignatureDoesNotMatch"):
        await subject.authenticate(request, NOW.timestamp())
    await subject.authenticate(signed("GET", "/b/k", secret_key="a new secret", at=NOW), NOW.timestamp())


@pytest.mark.parametrize("minutes", [-15, 15])
async def test_the_clock_may_differ_by_a_quarter_of_an_hour(minutes: int) -> None:
    subject, _ = authenticator()
    request = signed("GET", "/b/k", at=NOW)
    await subject.authenticate(request, (NOW + timedelta(minutes=minutes)).timestamp())


@pytest.mark.parametrize("seconds", [-901, 901])
async def test_more_is_too_much(seconds: int) -> None:
    error = await refusal(signed("GET", "/b/k", at=NOW), now=NOW + timedelta(seconds=seconds))
    assert (error.code, error.status) == ("RequestTimeTooSkewed", 403)
    assert error.fields["MaxAllowedSkewMilliseconds"] == "900000"
    assert error.fields["RequestTime"] == "20260524T120000Z"


async def test_a_presigned_url_expires() -> None:
    subject, _ = authenticator()
    request = presigned("GET", "/b/k", expires_seconds=60, at=NOW)
    await subject.authenticate(request, (NOW + timedelta(seconds=60)).timestamp())
    error = await refusal(presigned("GET", "/b/k", expires_seconds=60, at=NOW), now=NOW + timedelta(seconds=61))
    assert (error.code, error.message) == ("AccessDenied", "Request has expired")
    assert error.fields["Expires"] == "2026-05-24T12:01:00Z"


async def test_a_presigned_url_from_the_future() -> None:
    error = await refusal(presigned("GET", "/b/k", at=NOW + timedelta(minutes=16)))
    assert (error.code, error.message) == ("AccessDenied", "Request is not valid yet")


async def test_a_presigned_url_lasts_a_week_at_most() -> None:
    subject, _ = authenticator()
    week = 7 * 24 * 3600
    request = presigned("GET", "/b/k", expires_seconds=week, at=NOW)
    await subject.authenticate(request, (NOW + timedelta(days=6)).timestamp())
    error = await refusal(presigned("GET", "/b/k", expires_seconds=week + 1, at=NOW))
    assert error.code == "AuthorizationQueryParametersError"


async def test_us_east_1_is_accepted_everywhere() -> None:
    subject, _ = authenticator("eu-central-1")
    for region in ("us-east-1", "eu-central-1"):
        await subject.authenticate(signed("GET", "/b/k", region=region, at=NOW), NOW.timestamp())


@pytest.mark.parametrize(
    ("make", "code"),
    [(signed, "AuthorizationHeaderMalformed"), (presigned, "AuthorizationQueryParametersError")],
)
async def test_another_region_is_told_the_right_one(make: object, code: str) -> None:
    error = await refusal(make("GET", "/b/k", region="eu-west-3", at=NOW), region="eu-central-1")  # type: ignore[operator]
    assert (error.code, error.status) == (code, 400)
    assert error.fields == {"Region": "eu-central-1"}
    assert "the region 'eu-west-3' is wrong; expecting 'eu-central-1'" in error.message


def with_authorization(old: bytes, new: bytes) -> S3Request:
    request = signed("GET", "/b/k", at=NOW)
    value = request.headers[b"authorization"]
    assert old in value
    request.headers = {**request.headers, b"authorization": value.replace(old, new)}
    return request


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        (b"/s3/", b"/ec2/", "incorrect service"),
        (b"aws4_request", b"aws5_request", "incorrect terminal"),
        (b"/20260524/", b"/20260523/", "Invalid credential date"),
        (b"/20260524/", b"/today/", "incorrect date format"),
        (b"/s3/aws4_request", b"", "the Credential is mal-formed"),
        (b"SignedHeaders=", b"Signed=", "SignedHeaders"),
        (b"SignedHeaders=host", b"SignedHeaders=Host", "SignedHeaders"),
        (b"Signature=", b"Signature=zz", "Signature"),
    ],
)
async def test_malformed_headers(old: bytes, new: bytes, hint: str) -> None:
    error = await refusal(with_authorization(old, new))
    assert (error.code, error.status) == ("AuthorizationHeaderMalformed", 400)
    assert hint in error.message


@pytest.mark.parametrize(
    "value", [b"AWS AKIDEXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=", b"AWS4-ECDSA-P256-SHA256 Credential=x"]
)
async def test_other_mechanisms_are_refused_by_name(value: bytes) -> None:
    error = await refusal(S3Request("GET", b"/b/k", b"", {b"authorization": value}))
    assert (error.code, error.status) == ("InvalidRequest", 400)
    assert error.message.endswith("Please use AWS4-HMAC-SHA256.")


@pytest.mark.parametrize("value", [b"Bearer abc", b"Basic abc", b"", b"nonsense"])
async def test_what_is_no_mechanism_of_s3(value: bytes) -> None:
    error = await refusal(S3Request("GET", b"/b/k", b"", {b"authorization": value}))
    assert (error.code, error.message) == ("InvalidArgument", "Unsupported Authorization Type")
    assert error.fields["ArgumentName"] == "Authorization"


async def test_one_mechanism_at_a_time() -> None:
    request = presigned("GET", "/b/k", at=NOW)
    request.headers = {**request.headers, **signed("GET", "/b/k", at=NOW).headers}
    error = await refusal(request)
    assert error.code == "InvalidArgument"
    assert error.message.startswith("Only one auth mechanism allowed")


@pytest.mark.parametrize("make", [signed, presigned])
async def test_amazon_headers_must_be_signed(make: object) -> None:
    request = make("PUT", "/b/k", at=NOW)  # type: ignore[operator]
    request.headers = {**request.headers, b"x-amz-acl": b"public-read", b"x-amz-meta-a": b"1"}
    error = await refusal(request)
    assert (error.code, error.status) == ("AccessDenied", 403)
    assert error.fields["HeadersNotSigned"] == "x-amz-acl, x-amz-meta-a"


async def test_other_headers_need_not_be_signed() -> None:
    subject, _ = authenticator()
    request = presigned("PUT", "/b/k", at=NOW)
    request.headers = {**request.headers, b"content-type": b"image/png", b"x-amzn-trace-id": b"Root=1"}
    principal, _ = await subject.authenticate(request, NOW.timestamp())
    assert principal is not None


async def test_the_host_must_be_signed() -> None:
    error = await refusal(with_authorization(b"SignedHeaders=host;", b"SignedHeaders="))
    assert error.code == "AccessDenied"
    assert error.fields["HeadersNotSigned"] == "host"


@pytest.mark.parametrize("date", [None, b"", b"yesterday", b"20261324T000000Z", "٢٠٢٦0524T120000Z".encode()])
async def test_a_signature_needs_a_date(date: bytes | None) -> None:
    request = signed("GET", "/b/k", at=NOW)
    headers = dict(request.headers)
    del headers[b"x-amz-date"]
    if date is not None:
        headers[b"x-amz-date"] = date
    request.headers = headers
    error = await refusal(request)
    assert (error.code, error.message) == (
        "AccessDenied",
        "AWS authentication requires a valid Date or x-amz-date header",
    )


@pytest.mark.parametrize("make", [signed, presigned])
async def test_session_tokens_are_not_known(make: object) -> None:
    request = make("GET", "/b/k", at=NOW)  # type: ignore[operator]
    if make is signed:
        request = signed("GET", "/b/k", token="FwoGZXIvYXdz", at=NOW)
    else:
        request.raw_query += b"&X-Amz-Security-Token=FwoGZXIvYXdz"
        request = S3Request(request.method, request.raw_path, request.raw_query, request.headers)
    error = await refusal(request)
    assert (error.code, error.status) == ("InvalidToken", 400)


async def test_the_payload_header_may_be_missing_only_without_a_body() -> None:
    request = signed("PUT", "/b/k", b"body", at=NOW)
    headers = {name: value for name, value in request.headers.items() if name != b"x-amz-content-sha256"}
    request.headers = headers
    error = await refusal(request)
    assert (error.code, error.message) == (
        "InvalidRequest",
        "Missing required header for this request: x-amz-content-sha256",
    )


@pytest.mark.parametrize("value", [b"UNSIGNED", b"E" * 64, b"abc", b"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"])
async def test_an_unknown_payload_hash(value: bytes) -> None:
    request = S3Request("PUT", b"/b/k", b"", {b"x-amz-content-sha256": value})
    error = await refusal(request)
    assert error.code == "InvalidArgument"
    assert error.fields["ArgumentName"] == "x-amz-content-sha256"


async def test_signed_chunks_need_a_signer() -> None:
    request = S3Request("PUT", b"/b/k", b"", {b"x-amz-content-sha256": b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"})
    assert (await refusal(request)).code == "AccessDenied"


async def test_anonymous_bodies_keep_what_they_declare() -> None:
    subject, _ = authenticator()
    for declared, kind in (
        (b"UNSIGNED-PAYLOAD", PayloadKind.UNSIGNED),
        (b"STREAMING-UNSIGNED-PAYLOAD-TRAILER", PayloadKind.STREAMING_UNSIGNED_TRAILER),
        (b"a" * 64, PayloadKind.SIGNED),
    ):
        request = S3Request("PUT", b"/b/k", b"", {b"x-amz-content-sha256": declared})
        assert (await subject.authenticate(request, NOW.timestamp()))[1].kind is kind


@pytest.mark.parametrize(
    ("missing", "hint"),
    [
        ("X-Amz-Date", "requires the X-Amz-Algorithm"),
        ("X-Amz-Expires", "requires the X-Amz-Algorithm"),
        ("X-Amz-SignedHeaders", "requires the X-Amz-Algorithm"),
        ("X-Amz-Signature", "requires the X-Amz-Algorithm"),
    ],
)
async def test_presigned_urls_need_all_their_parts(missing: str, hint: str) -> None:
    request = presigned("GET", "/b/k", at=NOW)
    parts = [part for part in request.raw_query.split(b"&") if not part.startswith(missing.encode())]
    error = await refusal(S3Request("GET", b"/b/k", b"&".join(parts), request.headers))
    assert (error.code, error.status) == ("AuthorizationQueryParametersError", 400)
    assert hint in error.message


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        (b"AWS4-HMAC-SHA256", b"AWS4-HMAC-SHA1", "X-Amz-Algorithm only supports"),
        (b"X-Amz-Expires=3600", b"X-Amz-Expires=ten", "should be a number"),
        (b"X-Amz-Expires=3600", b"X-Amz-Expires=-1", "must be non-negative"),
        (b"X-Amz-Expires=3600", b"X-Amz-Expires=9999999", "less than a week"),
        (b"X-Amz-Date=20260524T120000Z", b"X-Amz-Date=2026-05-24", "ISO8601 Long Format"),
        (b"%2Faws4_request", b"", "the Credential is mal-formed"),
        (b"X-Amz-SignedHeaders=host", b"X-Amz-SignedHeaders=HOST", "X-Amz-SignedHeaders"),
    ],
)
async def test_presigned_urls_with_a_wrong_part(old: bytes, new: bytes, hint: str) -> None:
    request = presigned("GET", "/b/k", at=NOW)
    assert old in request.raw_query
    error = await refusal(S3Request("GET", b"/b/k", request.raw_query.replace(old, new), request.headers))
    assert error.code == "AuthorizationQueryParametersError"
    assert hint in error.message


async def test_a_presigned_signature_of_strange_letters_is_only_wrong() -> None:
    request = presigned("GET", "/b/k", at=NOW)
    query = request.raw_query.partition(b"X-Amz-Signature=")[0] + b"X-Amz-Signature=%C3%A9"
    assert (await refusal(S3Request("GET", b"/b/k", query, request.headers))).code == "SignatureDoesNotMatch"


async def test_headers_in_a_presigned_query_count_as_headers() -> None:
    subject, _ = authenticator()
    request = presigned("PUT", "/b/k?x-amz-meta-a=1&x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-acl=private", at=NOW)
    await subject.authenticate(request, NOW.timestamp())
    assert request.headers[b"x-amz-meta-a"] == b"1"
    assert request.headers[b"x-amz-acl"] == b"private"
    assert b"x-amz-checksum-crc32" not in request.headers, "signers without a body put the empty one's there"
    assert b"x-amz-signature" not in request.headers


@pytest.mark.parametrize("trailing", [False, True])
async def test_chunk_signers_are_seeded_with_the_requests_signature(trailing: bool) -> None:
    subject, _ = authenticator()
    declared = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + ("-TRAILER" if trailing else "")
    request = signed("PUT", "/b/k", payload=declared, at=NOW)
    _, payload = await subject.authenticate(request, NOW.timestamp())
    assert payload.kind is PayloadKind(declared)
    assert payload.kind.chunked
    assert payload.kind.trailing is trailing
    assert payload.signer is not None
    assert payload.signer.previous == request.headers[b"authorization"][-64:]


@pytest.mark.parametrize("declared", ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"])
async def test_bodies_that_nobody_signs_have_no_signer(declared: str) -> None:
    subject, _ = authenticator()
    _, payload = await subject.authenticate(signed("PUT", "/b/k", payload=declared, at=NOW), NOW.timestamp())
    assert payload.kind is PayloadKind(declared)
    assert payload.signer is None
