"""Every domain error has its words on this wire."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from dataplane import errors
from dataplane.contracts import NULL_VERSION
from s3gateway.error_map import TRANSLATIONS, to_s3_error
from s3gateway.errors import ERRORS, S3Error


def leaves(kind: type[errors.DomainError]) -> Iterator[type[errors.DomainError]]:
    children = kind.__subclasses__()
    if not children:
        yield kind
    for child in children:
        yield from leaves(child)


LEAVES = sorted((kind for kind in leaves(errors.DomainError) if kind.__module__ == errors.__name__), key=str)
SAMPLES: dict[str, Any] = {
    "str": "text",
    "int": 3,
    "float": 1e9,
    "object": "value",
    "int | None": 3,
    "str | None": "v1",
}


def sample(kind: type[errors.DomainError]) -> errors.DomainError:
    """An instance with a value for every field."""
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    positional = [SAMPLES[p.annotation] for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    keywords = {p.name: SAMPLES[p.annotation] for p in parameters if p.kind is p.KEYWORD_ONLY}
    return kind(*positional, **keywords)


def test_nothing_is_missing_and_nothing_is_left_over() -> None:
    assert set(TRANSLATIONS) == set(LEAVES)


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.__name__)
def test_each_becomes_a_known_code(kind: type[errors.DomainError]) -> None:
    error = to_s3_error(sample(kind))
    assert error.code in ERRORS
    assert all(isinstance(value, str) for value in error.fields.values())
    assert all(isinstance(part, bytes) for header in error.headers for part in header)


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (errors.NoSuchBucket("b"), "NoSuchBucket", 404),
        (errors.NoSuchKey("k"), "NoSuchKey", 404),
        (errors.NoSuchUpload("u"), "NoSuchUpload", 404),
        (errors.AccessDenied(), "AccessDenied", 403),
        (errors.BucketAlreadyExists("b"), "BucketAlreadyExists", 409),
        (errors.BucketNotEmpty("b"), "BucketNotEmpty", 409),
        (errors.PreconditionFailed("If-Match"), "PreconditionFailed", 412),
        (errors.InvalidRange("bytes=9-", 3), "InvalidRange", 416),
        (errors.KeyTooLong(1025, 1024), "KeyTooLongError", 400),
        (errors.IncompleteBody(5, 3), "IncompleteBody", 400),
        (errors.EntityTooLarge(6, 5), "EntityTooLarge", 400),
        (errors.QuotaExceeded("The bucket", 5), "QuotaExceeded", 403),
        (errors.ObjectLocked("k", "v"), "AccessDenied", 403),
        (errors.Overloaded("writes"), "SlowDown", 503),
        (errors.QuorumNotReached(1, 2, "disk away"), "ServiceUnavailable", 503),
        (errors.MetadataUnavailable("refused at 10.0.0.1"), "ServiceUnavailable", 503),
        (errors.StorageFull(5), "InsufficientStorage", 507),
    ],
)
def test_codes_and_statuses(error: errors.DomainError, code: str, status: int) -> None:
    told = to_s3_error(error)
    assert (told.code, told.status) == (code, status)


def test_the_inside_is_not_told() -> None:
    for error in (errors.MetadataUnavailable("refused at 10.0.0.1"), errors.QuorumNotReached(1, 2, "10.0.0.1 away")):
        told = to_s3_error(error)
        assert "10.0.0.1" not in told.message + str(dict(told.fields))


def test_a_delete_marker_is_told_with_a_missing_key() -> None:
    told = to_s3_error(errors.NoSuchKey("k", delete_marker_version_id="v1"))
    assert dict(told.headers) == {b"x-amz-delete-marker": b"true", b"x-amz-version-id": b"v1"}
    told = to_s3_error(errors.NoSuchKey("k", delete_marker_version_id=NULL_VERSION))
    assert dict(told.headers)[b"x-amz-version-id"] == b"null"
    assert not to_s3_error(errors.NoSuchKey("k")).headers


def test_ranges_and_digests_carry_their_fields() -> None:
    told = to_s3_error(errors.InvalidRange("bytes=9-", 3))
    assert told.fields == {"RangeRequested": "bytes=9-", "ActualObjectSize": "3"}
    assert dict(told.headers) == {b"content-range": b"bytes */3"}
    told = to_s3_error(errors.BadDigest("x-amz-content-sha256", "aa", "bb"))
    assert told.code == "XAmzContentSHA256Mismatch"
    assert told.fields == {"ClientComputedContentSHA256": "aa", "S3ComputedContentSHA256": "bb"}
    told = to_s3_error(errors.BadDigest("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg==", "x"))
    assert told.code == "BadDigest"
    assert told.fields["ExpectedDigest"] == "d41d8cd98f00b204e9800998ecf8427e"


def test_an_error_without_translation_is_unexpected() -> None:
    class Strange(errors.DomainError):
        pass

    strange = Strange("?")
    with pytest.raises(Strange):
        to_s3_error(strange)


def test_only_codes_of_the_table_can_be_raised() -> None:
    with pytest.raises(KeyError):
        S3Error("NoSuchCode")
    for code, kind in ERRORS.items():
        assert 300 <= kind.status <= 599, code
        assert kind.message, code
