"""Presigned URLs of Signature Version 2: whatever boto3 makes by default is verified, and nothing else is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from s3gateway.auth.authenticate import Authenticator
from s3gateway.auth.payload import PayloadKind
from s3gateway.auth.presigned_v2 import SIGNED_PARAMETERS, UNCOVERED_SUBRESOURCES
from s3gateway.errors import S3Error
from s3gateway.operations.spec import Support
from s3gateway.operations.table import OPERATIONS
from s3gateway.request import S3Request
from s3gateway.settings import GatewaySettings
from tests.support.gateway import Fixture
from tests.support.memory_directory import MemoryDirectory
from tests.support.signing import ACCESS_KEY, SECRET_KEY

DOMAIN = "s3.example.test"


def url_of(operation: str, *, style: str = "path", secret_key: str = SECRET_KEY, seconds: int = 60, **what: Any) -> str:
    """What a boto3 client with default settings makes."""
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{DOMAIN}:9000",
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=secret_key,
        config=Config(s3={"addressing_style": style}),
    )
    url: str = client.generate_presigned_url(operation, Params=what, ExpiresIn=seconds)
    assert "AWSAccessKeyId=" in url, "boto3 signs with Version 2 no more: this form is no longer its default"
    return url


def sent(method: str, url: str, headers: Mapping[bytes, bytes] | None = None) -> S3Request:
    parts = urlsplit(url)
    lines = {b"host": parts.netloc.encode(), **(headers or {})}
    return S3Request(method, parts.path.encode(), parts.query.encode(), lines)


async def caller(request: S3Request, virtual_bucket: str = "", *, now: float | None = None) -> str:
    directory = MemoryDirectory()
    directory.add_app(ACCESS_KEY, SECRET_KEY)
    subject = Authenticator(directory, GatewaySettings())
    principal, payload = await subject.authenticate(request, time.time() if now is None else now, virtual_bucket)
    assert principal is not None
    assert payload.kind is PayloadKind.UNSIGNED
    return principal.access_key


async def refusal(request: S3Request, virtual_bucket: str = "", *, now: float | None = None) -> S3Error:
    with pytest.raises(S3Error) as caught:
        await caller(request, virtual_bucket, now=now)
    return caught.value


ODD_KEYS = ["k", "a b+c", "ü/€/\U0001f680", "a//b/../c/", "100%25", "!'()*&=;@,?#$", "~-._"]


@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("key", ODD_KEYS)
@pytest.mark.parametrize(
    ("method", "operation"), [("GET", "get_object"), ("PUT", "put_object"), ("HEAD", "head_object")]
)
async def test_what_boto3_makes_by_default(method: str, operation: str, key: str, style: str) -> None:
    url = url_of(operation, style=style, Bucket="bucket", Key=key)
    virtual_bucket = "bucket" if style == "virtual" else ""
    assert await caller(sent(method, url), virtual_bucket) == ACCESS_KEY
    assert (await refusal(sent("DELETE", url), virtual_bucket)).code == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    ("method", "operation", "what"),
    [
        ("GET", "get_object", {"Key": "k", "VersionId": "a/b", "PartNumber": 2}),
        ("PUT", "upload_part", {"Key": "k", "UploadId": "u+/=", "PartNumber": 7}),
        ("POST", "create_multipart_upload", {"Key": "k"}),
        ("GET", "get_object_tagging", {"Key": "k"}),
        ("GET", "list_objects_v2", {"Prefix": "a b"}),
        ("GET", "list_object_versions", {"KeyMarker": "ü"}),
        ("GET", "get_bucket_versioning", {}),
    ],
)
async def test_sub_resources_and_buckets(method: str, operation: str, what: dict[str, Any]) -> None:
    assert await caller(sent(method, url_of(operation, Bucket="bucket", **what))) == ACCESS_KEY
    virtual = url_of(operation, style="virtual", Bucket="bucket", **what)
    assert await caller(sent(method, virtual), "bucket") == ACCESS_KEY
    assert (await refusal(sent(method, virtual), "other")).code == "SignatureDoesNotMatch"


async def test_no_bucket_at_all() -> None:
    assert await caller(sent("GET", url_of("list_buckets"))) == ACCESS_KEY


async def test_response_overrides_are_signed_decoded() -> None:
    url = url_of(
        "get_object",
        Bucket="bucket",
        Key="k",
        ResponseContentType="text/plain; charset=utf-8",
        ResponseContentDisposition='attachment; filename="a+b ü.txt"',
        ResponseCacheControl="no-cache",
    )
    assert await caller(sent("GET", url)) == ACCESS_KEY
    changed = url.replace("no-cache", "max-age=1")
    assert (await refusal(sent("GET", changed))).code == "SignatureDoesNotMatch"
    added = f"{url_of('get_object', Bucket='bucket', Key='k')}&response-expires=0"
    assert (await refusal(sent("GET", added))).code == "SignatureDoesNotMatch"


async def test_headers_that_the_signer_put_into_the_query_are_the_requests() -> None:
    request = sent(
        "PUT",
        url_of(
            "put_object",
            Bucket="bucket",
            Key="k",
            ContentType="text/x",
            ContentMD5="XrY7u+Ae7tCTyyK7j1rNww==",
            Metadata={"A": "1", "b": "two words"},
        ),
    )
    assert await caller(request) == ACCESS_KEY
    assert request.headers[b"content-type"] == b"text/x"
    assert request.headers[b"content-md5"] == b"XrY7u+Ae7tCTyyK7j1rNww=="
    assert request.headers[b"x-amz-meta-a"] == b"1"
    assert request.headers[b"x-amz-meta-b"] == b"two words"


async def test_headers_that_are_sent_are_covered_and_win() -> None:
    url = url_of("put_object", Bucket="bucket", Key="k", ContentType="text/x", Metadata={"a": "1"})
    assert await caller(sent("PUT", url, {b"content-type": b"text/x", b"x-amz-meta-a": b" 1 "})) == ACCESS_KEY
    for lines in ({b"content-type": b"text/y"}, {b"x-amz-meta-a": b"2"}, {b"x-amz-copy-source": b"/bucket/secret"}):
        assert (await refusal(sent("PUT", url, lines))).code == "SignatureDoesNotMatch"
    plain = url_of("put_object", Bucket="bucket", Key="k")
    assert (await refusal(sent("PUT", plain, {b"content-type": b"text/x"}))).code == "SignatureDoesNotMatch"
    assert (await refusal(sent("PUT", f"{plain}&X-Amz-Acl=private"))).code == "SignatureDoesNotMatch"


async def test_checksums_that_signers_put_into_the_query_are_signed_but_not_the_bodys() -> None:
    request = sent("PUT", url_of("put_object", Bucket="bucket", Key="k", ChecksumCRC32="AAAAAA=="))
    assert await caller(request) == ACCESS_KEY
    assert b"x-amz-checksum-crc32" not in request.headers


async def test_it_expires_to_the_second() -> None:
    url = url_of("get_object", Bucket="bucket", Key="k")
    expires_at = int(url.rpartition("Expires=")[2])
    assert await caller(sent("GET", url), now=expires_at) == ACCESS_KEY
    error = await refusal(sent("GET", url), now=expires_at + 1)
    assert (error.code, error.status, error.message) == ("AccessDenied", 403, "Request has expired")
    assert error.fields["Expires"].endswith("Z")
    later = url.replace(f"Expires={expires_at}", f"Expires={expires_at + 1}")
    assert (await refusal(sent("GET", later))).code == "SignatureDoesNotMatch"


async def test_a_wrong_secret_and_an_unknown_key() -> None:
    url = url_of("get_object", secret_key="wrong", Bucket="bucket", Key="k")
    error = await refusal(sent("GET", url))
    assert (error.code, error.status) == ("SignatureDoesNotMatch", 403)
    assert error.fields["StringToSign"].endswith("\n/bucket/k")
    unknown = url.replace(ACCESS_KEY, "AKIDOTHER")
    assert (await refusal(sent("GET", unknown))).code == "InvalidAccessKeyId"


async def test_a_plus_sign_of_the_signature_may_come_unescaped() -> None:
    for number in range(200):
        url = url_of("get_object", Bucket="bucket", Key=f"k{number}")
        if "%2B" in url:
            break
    assert await caller(sent("GET", url.replace("%2B", "+"))) == ACCESS_KEY


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("AWSAccessKeyId=A&Signature=x", "Query-string authentication requires"),
        ("AWSAccessKeyId=A&Expires=1", "Query-string authentication requires"),
        ("Signature=x&Expires=1", "Query-string authentication requires"),
        ("AWSAccessKeyId=A&Signature=x&Expires=soon", "Invalid date (should be seconds since epoch): soon"),
        ("AWSAccessKeyId=A&Signature=x&Expires=-1", "Invalid date (should be seconds since epoch): -1"),
        ("AWSAccessKeyId=A&Signature=x&Expires=" + "9" * 400, "Invalid date"),
    ],
)
async def test_what_is_malformed(query: str, message: str) -> None:
    error = await refusal(sent("GET", f"http://{DOMAIN}/bucket/k?{query}"))
    assert (error.code, error.status) == ("AccessDenied", 403)
    assert error.message.startswith(message)


async def test_only_one_mechanism_at_a_time() -> None:
    request = sent("GET", url_of("get_object", Bucket="bucket", Key="k"), {b"authorization": b"AWS a:b"})
    assert (await refusal(request)).code == "InvalidArgument"


async def test_no_session_token_is_a_good_one() -> None:
    url = url_of("get_object", Bucket="bucket", Key="k")
    assert (await refusal(sent("GET", f"{url}&x-amz-security-token=t"))).code == "InvalidToken"


async def test_what_is_not_covered_is_refused_by_name() -> None:
    url = url_of("get_object_attributes", Bucket="bucket", Key="k", ObjectAttributes=["ETag"])
    error = await refusal(sent("GET", url))
    assert (error.code, error.status) == ("InvalidRequest", 400)
    assert "does not cover the parameter attributes" in error.message


def test_every_served_sub_resource_is_signed_or_refused() -> None:
    served = {row.subresource for row in OPERATIONS if row.subresource and row.support is Support.SERVED}
    assert served <= SIGNED_PARAMETERS | UNCOVERED_SUBRESOURCES
    assert {"attributes", "retention", "legal-hold"} <= UNCOVERED_SUBRESOURCES
    assert {"versionId", "partNumber", "uploadId", "uploads", "acl", "tagging"} <= SIGNED_PARAMETERS


async def test_the_gateway_takes_the_bucket_from_the_host() -> None:
    fixture = Fixture(domains=(DOMAIN,))
    reply = await fixture.send(sent("GET", url_of("get_object", style="virtual", Bucket="bucket", Key="a b")))
    assert reply.status == 200
    reply = await fixture.send(sent("GET", url_of("get_object", style="virtual", Bucket="foreign", Key="a b")))
    assert reply.status == 403
