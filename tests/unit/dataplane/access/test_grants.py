"""What a grant covers."""

from __future__ import annotations

import pytest

from dataplane.access.grants import (
    action_is_known,
    covers_action,
    covers_resource,
    intersect,
    matches,
    reaches_below,
)
from dataplane.contracts import Grant


@pytest.mark.parametrize(
    ("pattern", "action", "covered"),
    [
        ("object:read", "object:read", True),
        ("object:read", "object:write", False),
        ("object:*", "object:write", True),
        ("object:*", "bucket:write", False),
        ("*", "policy:grant", True),
        ("object:rea*", "object:read", False),  # only whole families
        ("", "object:read", False),
        (":*", "object:read", False),
    ],
)
def test_actions(pattern: str, action: str, covered: bool) -> None:
    assert covers_action(pattern, action) is covered


@pytest.mark.parametrize(
    ("pattern", "resource", "covered"),
    [
        ("photos", "photos", True),
        ("photos", "photos/a", False),
        ("photos/*", "photos/a", True),
        ("photos/*", "photos", False),
        ("photos/*", "photos2/a", False),
        ("photos*", "photos2/a", True),
        ("photos/a", "photos/a", True),
        ("photos/a", "photos/ab", False),
        ("photos/A", "photos/a", False),
        ("photos/*/x", "photos/1/x", False),  # a star elsewhere is a letter
        ("photos/*/x", "photos/*/x", True),
        ("*", "*", True),
        ("*", "anything/at all", True),
        ("", "photos", False),
    ],
)
def test_resources(pattern: str, resource: str, covered: bool) -> None:
    assert covers_resource(pattern, resource) is covered


def test_a_grant_matches_only_with_both() -> None:
    grant = Grant("object:*", "photos/2026/*")
    assert matches(grant, "object:read", "photos/2026/a.jpg")
    assert not matches(grant, "bucket:list", "photos/2026/a.jpg")
    assert not matches(grant, "object:read", "photos/2025/a.jpg")


@pytest.mark.parametrize(
    ("pattern", "reaches"),
    [("photos/*", True), ("photos/a", True), ("photos", False), ("*", True), ("pho*", True), ("photos2/*", False)],
)
def test_reaching_below_a_bucket(pattern: str, reaches: bool) -> None:
    assert reaches_below(pattern, "photos/") is reaches


@pytest.mark.parametrize("pattern", ["*", "object:*", "bucket:*", "policy:*", "object:read", "bucket:create"])
def test_known_actions(pattern: str) -> None:
    assert action_is_known(pattern)


@pytest.mark.parametrize("pattern", ["", "object", "object:", "object:reed", "objects:*", "s3:GetObject", "**"])
def test_unknown_actions(pattern: str) -> None:
    assert not action_is_known(pattern)


@pytest.mark.parametrize(
    ("wanted", "held", "both"),
    [
        (Grant("*", "*"), Grant("object:read", "photos/*"), Grant("object:read", "photos/*")),
        (Grant("object:read", "photos/a"), Grant("object:*", "photos/*"), Grant("object:read", "photos/a")),
        (Grant("object:*", "photos/a*"), Grant("object:write", "photos/*"), Grant("object:write", "photos/a*")),
        (Grant("bucket:*", "*"), Grant("object:*", "*"), None),
        (Grant("*", "photos/*"), Grant("*", "films/*"), None),
    ],
)
def test_intersecting_never_widens(wanted: Grant, held: Grant, both: Grant | None) -> None:
    assert intersect(wanted, held) == both
