"""Which bucket and key a request names."""

from __future__ import annotations

from urllib.parse import quote, quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gateway.addressing import Addressing, check_key, parse_copy_source
from s3gateway.errors import S3Error
from s3gateway.operations.spec import Scope
from s3gateway.request import S3Request

PATH_STYLE = Addressing(())
DOMAINS = Addressing(("example.com", "s3.example.com", "localhost"))


def request(path: bytes, host: bytes = b"127.0.0.1:9000") -> S3Request:
    return S3Request("GET", path, b"", {b"host": host})


def address(path: bytes, host: bytes = b"127.0.0.1:9000", addressing: Addressing = PATH_STYLE) -> tuple[str, str]:
    found = addressing.address(request(path, host))
    return found.bucket, found.key


def refusal(path: bytes, host: bytes = b"127.0.0.1:9000", addressing: Addressing = PATH_STYLE) -> S3Error:
    with pytest.raises(S3Error) as caught:
        addressing.address(request(path, host))
    return caught.value


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (b"/bucket/a", "a"),
        (b"/bucket/a//b", "a//b"),
        (b"/bucket//a", "/a"),
        (b"/bucket/a/../b", "a/../b"),
        (b"/bucket/./a", "./a"),
        (b"/bucket/x/", "x/"),
        (b"/bucket/a%2Fb", "a/b"),
        (b"/bucket/a%252Fb", "a%2Fb"),
        (b"/bucket/a+b", "a+b"),
        (b"/bucket/a%20b", "a b"),
        (b"/bucket/%C3%A4%F0%9F%98%80", "ä😀"),
        (b"/bucket/a%0Ab", "a\nb"),
        (b"/bucket/%01", "\x01"),
        (b"/bucket/a?b".replace(b"?", b"%3F"), "a?b"),
        (b"/bucket/_anvil", "_anvil"),
        (b"/bucket/a/_anvil/x", "a/_anvil/x"),
        (b"/bucket/_Anvil/x", "_Anvil/x"),
        (b"/bucket/" + b"k" * 1024, "k" * 1024),
        (b"/bucket/" + b"%C3%A4" * 512, "ä" * 512),
    ],
)
def test_keys_are_what_the_path_says(path: bytes, key: str) -> None:
    assert address(path) == ("bucket", key)


def test_scopes() -> None:
    assert PATH_STYLE.address(request(b"/")).scope is Scope.SERVICE
    assert PATH_STYLE.address(request(b"/bucket")).scope is Scope.BUCKET
    assert PATH_STYLE.address(request(b"/bucket/")).scope is Scope.BUCKET
    assert PATH_STYLE.address(request(b"/bucket/k")).scope is Scope.OBJECT


@pytest.mark.parametrize(
    "path", [b"/bucket/%", b"/bucket/%4", b"/bucket/%zz", b"/bucket/%ff", b"/bucket/%C3", b"bucket"]
)
def test_broken_addresses(path: bytes) -> None:
    error = refusal(path)
    assert (error.code, error.status) == ("InvalidURI", 400)


@pytest.mark.parametrize("path", [b"/bucket/%00", b"/bucket/a%00b"])
def test_nul_is_refused(path: bytes) -> None:
    assert refusal(path).code == "InvalidURI"


@pytest.mark.parametrize("path", [b"/bucket/" + b"k" * 1025, b"/bucket/" + b"%C3%A4" * 513])
def test_keys_have_a_length(path: bytes) -> None:
    error = refusal(path)
    assert (error.code, error.status) == ("KeyTooLongError", 400)
    assert error.fields["MaxSizeAllowed"] == "1024"


@pytest.mark.parametrize(
    "path",
    [
        b"/bucket/_anvil/",
        b"/bucket/_anvil/meta/x",
        b"/bucket/%5Fanvil/x",
        b"/bucket/_anvil%2Fx",
        b"/bucket/%5f%61%6e%76%69%6c%2f",
    ],
)
def test_the_reserved_namespace_is_refused_however_it_is_spelled(path: bytes) -> None:
    error = refusal(path)
    assert (error.code, error.status) == ("UnauthorizedReservedNamespace", 403)


@pytest.mark.parametrize(
    "path",
    [
        b"//key",
        b"/ab/k",
        b"/Bucket/k",
        b"/buck_et",
        b"/-bucket",
        b"/bucket-",
        b"/a%2Fb/k",
        b"/" + b"b" * 64,
        b"/..",
        b"/a..b/k",
        b"/192.168.0.1/k",
        b"/buck et".replace(b" ", b"%20"),
    ],
)
def test_what_no_bucket_is_called(path: bytes) -> None:
    error = refusal(path)
    assert (error.code, error.status) == ("InvalidBucketName", 400)


@pytest.mark.parametrize(
    ("host", "path", "found"),
    [
        (b"bucket.s3.example.com", b"/a/b", ("bucket", "a/b")),
        (b"bucket.s3.example.com:9000", b"/a", ("bucket", "a")),
        (b"BUCKET.S3.Example.COM", b"/a", ("bucket", "a")),
        (b"bucket.s3.example.com.", b"/a", ("bucket", "a")),
        (b"my.bucket.s3.example.com", b"/", ("my.bucket", "")),
        (b"bucket.s3.example.com", b"//a", ("bucket", "/a")),
        (b"bucket.localhost:50051", b"/a", ("bucket", "a")),
        (b"bucket.example.com", b"/a", ("bucket", "a")),
        (b"s3.example.com", b"/bucket/a", ("bucket", "a")),
        (b"example.com:80", b"/bucket/a", ("bucket", "a")),
        (b"other.org", b"/bucket/a", ("bucket", "a")),
        (b"notexample.com", b"/bucket/a", ("bucket", "a")),
        (b"[::1]:9000", b"/bucket/a", ("bucket", "a")),
        (b"", b"/bucket/a", ("bucket", "a")),
    ],
)
def test_virtual_hosts(host: bytes, path: bytes, found: tuple[str, str]) -> None:
    assert address(path, host, DOMAINS) == found


def test_virtual_hosts_are_checked_like_any_bucket() -> None:
    assert refusal(b"/a", b"b_d.s3.example.com", DOMAINS).code == "InvalidBucketName"
    assert refusal(b"/_anvil/x", b"bucket.s3.example.com", DOMAINS).code == "UnauthorizedReservedNamespace"
    assert DOMAINS.address(request(b"/", b"bucket.localhost")).virtual_host
    assert not DOMAINS.address(request(b"/bucket", b"localhost")).virtual_host


KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=60).filter(
    lambda key: not key.startswith("_anvil/")
)


@given(KEYS)
def test_every_key_comes_back_from_every_spelling(key: str) -> None:
    for safe in ("/", "", "/!$&'()*+,;=:@-._~"):
        assert address(b"/bucket/" + quote(key, safe=safe).encode()) == ("bucket", key)


@given(st.binary(max_size=60))
def test_any_path_is_an_address_or_a_refusal(tail: bytes) -> None:
    for path in (b"/" + tail, b"/bucket/" + quote_from_bytes(tail).encode()):
        try:
            found = PATH_STYLE.address(request(path))
        except S3Error as error:
            assert error.status in (400, 403)
        else:
            assert "\x00" not in found.key


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("/bucket/key", ("bucket", "key", None)),
        ("bucket/key", ("bucket", "key", None)),
        ("bucket/a%2Fb%20c", ("bucket", "a/b c", None)),
        ("bucket%2Fkey", ("bucket", "key", None)),
        ("bucket/a+b", ("bucket", "a+b", None)),
        ("bucket/key?versionId=abc", ("bucket", "key", "abc")),
        ("bucket/key%3Fx?versionId=null", ("bucket", "key?x", "null")),
        ("bucket//key", ("bucket", "/key", None)),
    ],
)
def test_copy_sources(value: str, found: tuple[str, str, str | None]) -> None:
    assert parse_copy_source(value) == found


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "InvalidArgument"),
        ("bucket", "InvalidArgument"),
        ("/bucket/", "InvalidArgument"),
        ("bucket/key?versionId=", "InvalidArgument"),
        ("bucket/key?other=1", "InvalidArgument"),
        ("B/key", "InvalidBucketName"),
        ("bucket/%ff", "InvalidURI"),
        ("bucket/_anvil/x", "UnauthorizedReservedNamespace"),
        ("bucket%2F%5Fanvil%2Fx", "UnauthorizedReservedNamespace"),
        ("bucket/" + "k" * 1025, "KeyTooLongError"),
    ],
)
def test_refused_copy_sources(value: str, code: str) -> None:
    with pytest.raises(S3Error) as caught:
        parse_copy_source(value)
    assert caught.value.code == code


def test_keys_in_documents_are_checked_alike() -> None:
    assert check_key("a/../b") == "a/../b"
    for key, code in (
        ("_anvil/x", "UnauthorizedReservedNamespace"),
        ("a\x00", "InvalidURI"),
        ("é" * 513, "KeyTooLongError"),
    ):
        with pytest.raises(S3Error) as caught:
            check_key(key)
        assert caught.value.code == code
