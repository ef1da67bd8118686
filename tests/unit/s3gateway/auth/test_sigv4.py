"""Signatures against the examples that AWS publishes in its S3 API reference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from s3gateway.auth.header import parse_authorization
from s3gateway.auth.payload import EMPTY_SHA256
from s3gateway.auth.presigned import parse_presigned
from s3gateway.auth.sigv4 import Claim, canonical_query, signing_key, verify
from s3gateway.errors import S3Error
from s3gateway.request import S3Request

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
KEY = signing_key(SECRET, "20130524", "us-east-1")
HOST = b"examplebucket.s3.amazonaws.com"


def request(
    method: str, path: bytes, query: bytes, *, extra: dict[bytes, bytes], signed: bytes, signature: bytes
) -> S3Request:
    headers = {
        b"host": HOST,
        b"x-amz-date": b"20130524T000000Z",
        b"x-amz-content-sha256": EMPTY_SHA256.encode(),
        **extra,
    }
    headers[b"authorization"] = (
        b"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="
        + signed
        + b",Signature="
        + signature
    )
    return S3Request(method, path, query, headers)


EXAMPLES = {
    "GET Object": request(
        "GET",
        b"/test.txt",
        b"",
        extra={b"range": b"bytes=0-9"},
        signed=b"host;range;x-amz-content-sha256;x-amz-date",
        signature=b"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    "PUT Object": request(
        "PUT",
        b"/test%24file.text",
        b"",
        extra={
            b"date": b"Fri, 24 May 2013 00:00:00 GMT",
            b"x-amz-storage-class": b"REDUCED_REDUNDANCY",
            b"x-amz-content-sha256": b"44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
        },
        signed=b"date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        signature=b"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ),
    "GET Bucket Lifecycle": request(
        "GET",
        b"/",
        b"lifecycle",
        extra={},
        signed=b"host;x-amz-content-sha256;x-amz-date",
        signature=b"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    ),
    "List Objects": request(
        "GET",
        b"/",
        b"max-keys=2&prefix=J",
        extra={},
        signed=b"host;x-amz-content-sha256;x-amz-date",
        signature=b"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ),
}


def claim_of(example: S3Request) -> Claim:
    return parse_authorization(example, example.headers[b"authorization"])


@pytest.mark.parametrize("name", EXAMPLES)
def test_published_header_examples(name: str) -> None:
    example = EXAMPLES[name]
    verify(example, claim_of(example), KEY)


@pytest.mark.parametrize("name", EXAMPLES)
def test_any_other_signature_is_refused(name: str) -> None:
    example = EXAMPLES[name]
    claim = claim_of(example)
    flipped = ("0" if claim.signature[0] != "0" else "1") + claim.signature[1:]
    with pytest.raises(S3Error) as caught:
        verify(example, replace(claim, signature=flipped), KEY)
    assert caught.value.code == "SignatureDoesNotMatch"
    assert caught.value.status == 403


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"raw_path": b"/test.txt2"},
        {"raw_query": b"versionId=1"},
    ],
)
def test_what_was_signed_cannot_be_changed(change: dict[str, object]) -> None:
    example = EXAMPLES["GET Object"]
    other = S3Request(
        str(change.get("method", example.method)),
        change.get("raw_path", example.raw_path),  # type: ignore[arg-type]
        change.get("raw_query", example.raw_query),  # type: ignore[arg-type]
        example.headers,
    )
    with pytest.raises(S3Error, match="SignatureDoesNotMatch"):
        verify(other, claim_of(other), KEY)


def test_published_presigned_example() -> None:
    query = (
        b"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2F"
        b"aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        b"&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )
    example = S3Request("GET", b"/test.txt", query, {b"host": HOST})
    claim = parse_presigned(example, 7 * 24 * 3600)
    verify(example, claim, KEY)
    assert claim.expires_seconds == 86400


def test_the_refusal_shows_what_was_computed() -> None:
    example = EXAMPLES["List Objects"]
    with pytest.raises(S3Error) as caught:
        verify(example, claim_of(example), b"another key")
    fields = caught.value.fields
    assert list(fields) == [
        "AWSAccessKeyId",
        "StringToSign",
        "SignatureProvided",
        "StringToSignBytes",
        "CanonicalRequest",
        "CanonicalRequestBytes",
    ]
    assert fields["CanonicalRequest"] == (
        "GET\n/\nmax-keys=2&prefix=J\nhost:examplebucket.s3.amazonaws.com\n"
        f"x-amz-content-sha256:{EMPTY_SHA256}\nx-amz-date:20130524T000000Z\n\n"
        f"host;x-amz-content-sha256;x-amz-date\n{EMPTY_SHA256}"
    )
    assert fields["StringToSign"] == (
        "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n"
        "df57d21db20da04d7fa30298dd4488ba3a2b47ca3a489c74750e0f1e7df1b9b7"
    )
    assert bytes.fromhex(fields["StringToSignBytes"]) == fields["StringToSign"].encode()
    assert SECRET not in str(fields)


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        (b"", b""),
        (b"lifecycle", b"lifecycle="),
        (b"b=2&a=1", b"a=1&b=2"),
        (b"a=2&a=1", b"a=1&a=2"),
        (b"a-b=1&a=1", b"a=1&a-b=1"),  # by name first, not by the whole text
        (b"&a=1&&", b"a=1"),
        (b"prefix=a%2Fb", b"prefix=a%2Fb"),
    ],
)
def test_canonical_query_as_sent(raw: bytes, canonical: bytes) -> None:
    assert canonical_query(raw) == canonical


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        (b"prefix=a/b", b"prefix=a%2Fb"),
        (b"prefix=a%2fb", b"prefix=a%2Fb"),
        (b"prefix=a+b", b"prefix=a%20b"),
        (b"prefix=%41~", b"prefix=A~"),
        (b"a=b=c", b"a=b%3Dc"),
    ],
)
def test_canonical_query_respelled(raw: bytes, canonical: bytes) -> None:
    assert canonical_query(raw, reencode=True) == canonical
