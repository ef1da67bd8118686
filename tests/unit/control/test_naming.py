"""Names are accepted and refused as documented, with messages that say which rule was broken."""

from __future__ import annotations

import pytest

from control.naming import (
    validate_action,
    validate_bucket_name,
    validate_name,
    validate_region_name,
    validate_resource,
)
from dataplane.errors import InvalidArgument, InvalidBucketName


@pytest.mark.parametrize(
    "name",
    ["abc", "a" * 63, "my-bucket", "a.b.c", "123", "1.2.3", "1.2.3.4.5", "readyy", "health-1", "a1-b2.c3", "xn-a"],
)
def test_a_good_bucket_name_passes(name: str) -> None:
    validate_bucket_name(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "it has 0 characters; 3 to 63 are allowed."),
        ("ab", "it has 2 characters; 3 to 63 are allowed."),
        ("a" * 64, "it has 64 characters; 3 to 63 are allowed."),
        ("Photos", "only lower-case letters, digits, dots and hyphens are allowed."),
        ("under_score", "only lower-case letters, digits, dots and hyphens are allowed."),
        ("two\nlines", "only lower-case letters, digits, dots and hyphens are allowed."),
        ("photos\n", "only lower-case letters, digits, dots and hyphens are allowed."),
        ("fotografías", "only lower-case letters, digits, dots and hyphens are allowed."),
        ("a/b", "only lower-case letters, digits, dots and hyphens are allowed."),
        ("a..b", "two dots must not follow each other."),
        ("-photos", "it, and every part between dots, must start and end with a letter or digit."),
        ("photos-", "it, and every part between dots, must start and end with a letter or digit."),
        ("foo.-bar", "it, and every part between dots, must start and end with a letter or digit."),
        ("foo-.bar", "it, and every part between dots, must start and end with a letter or digit."),
        (".photos", "it must start and end with a letter or digit."),
        ("photos.", "it must start and end with a letter or digit."),
        ("192.168.5.4", "it must not look like an IP address."),
        ("999.999.999.999", "it must not look like an IP address."),
        ("xn--abc", "the prefix 'xn--' is reserved."),
        ("sthree-abc", "the prefix 'sthree-' is reserved."),
        ("amzn-s3-demo-abc", "the prefix 'amzn-s3-demo-' is reserved."),
        ("abc-s3alias", "the suffix '-s3alias' is reserved."),
        ("abc--ol-s3", "the suffix '--ol-s3' is reserved."),
        ("abc.mrap", "the suffix '.mrap' is reserved."),
        ("abc--x-s3", "the suffix '--x-s3' is reserved."),
        ("abc--table-s3", "the suffix '--table-s3' is reserved."),
        ("ready", "the name is reserved for an endpoint of the server."),
        ("health", "the name is reserved for an endpoint of the server."),
        ("metrics", "the name is reserved for an endpoint of the server."),
    ],
)
def test_a_bad_bucket_name_is_refused_with_its_reason(name: str, reason: str) -> None:
    with pytest.raises(InvalidBucketName) as caught:
        validate_bucket_name(name)
    assert caught.value.bucket == name
    assert caught.value.reason == reason


@pytest.mark.parametrize("name", ["us-east-1", "r", "r" * 63, "9", "eu1"])
def test_a_good_region_name_passes(name: str) -> None:
    validate_region_name(name)


@pytest.mark.parametrize("name", ["", "-eu", "eu-", "EU", "eu west", "r" * 64, "eu_1", "eu\n"])
def test_a_bad_region_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        validate_region_name(name)
    assert caught.value.name == "region"


@pytest.mark.parametrize("name", ["default", "Team_1.x-y", "7"])
def test_a_good_tenant_or_app_name_passes(name: str) -> None:
    validate_name(name, argument="tenant name")


@pytest.mark.parametrize("name", ["", "a/b", ".a", "-a", "a" * 64, "a b", "a\n", "ä"])
def test_a_bad_tenant_or_app_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        validate_name(name, argument="app name")
    assert caught.value.name == "app name"


@pytest.mark.parametrize("action", ["*", "object:*", "bucket:*", "policy:*", "object:read", "bucket:create"])
def test_a_known_action_passes(action: str) -> None:
    validate_action(action)


@pytest.mark.parametrize("action", ["", "object", "object:", "object:r*", "read", "OBJECT:READ", "hf:read"])
def test_an_unknown_action_is_refused_with_the_list_of_known_ones(action: str) -> None:
    with pytest.raises(InvalidArgument, match=r"choose one of .*object:read.*object:\*"):
        validate_action(action)


@pytest.mark.parametrize("resource", ["*", "photos", "photos/*", "photos/2026/", "photos/2026/*", "x" * 1_100])
def test_a_good_resource_passes(resource: str) -> None:
    validate_resource(resource)


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        ("", "empty"),
        ("photos/*/thumbs", "last character only"),
        ("**", "last character only"),
        ("x" * 1_101, "at most 1100 characters"),
        ("a\0b", "NUL"),
    ],
)
def test_a_bad_resource_is_refused(resource: str, reason: str) -> None:
    with pytest.raises(InvalidArgument, match=reason):
        validate_resource(resource)
