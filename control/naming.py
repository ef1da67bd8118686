"""What things may be called, and why not. Pure: decides on strings alone, knows no database.

Bucket names follow AWS, "General purpose bucket naming rules" (Amazon S3 user guide), with its legacy rule that
every label between dots starts and ends with a letter or digit, plus the names that Anvil's API port keeps.
"""

from __future__ import annotations

import re
from typing import NoReturn

from dataplane.access.actions import ACTIONS, EVERYTHING, FAMILIES
from dataplane.access.grants import action_is_known
from dataplane.errors import InvalidArgument, InvalidBucketName

RESERVED_BUCKET_NAMES = frozenset({"ready", "health", "metrics"})
"""Paths of the API port: path-style requests to buckets of these names would reach the health endpoints."""

_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_BUCKET_CHARACTERS = re.compile(r"[a-z0-9.-]+\Z")
_IPV4_SHAPE = re.compile(r"\d+\.\d+\.\d+\.\d+\Z")

_REGION_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")

RESOURCE_LIMIT_CHARACTERS = 1_100
"""A bucket name of 63, a slash and a key of 1,024."""


def validate_bucket_name(name: str) -> None:
    """Raises `InvalidBucketName` with the first rule that `name` breaks."""

    def refuse(reason: str) -> NoReturn:
        raise InvalidBucketName(name, reason)

    if not 3 <= len(name) <= 63:
        refuse(f"it has {len(name)} characters; 3 to 63 are allowed.")
    if not _BUCKET_CHARACTERS.match(name):
        refuse("only lower-case letters, digits, dots and hyphens are allowed.")
    if ".." in name:
        refuse("two dots must not follow each other.")
    if any(label.startswith("-") or label.endswith("-") for label in name.split(".")):
        refuse("it, and every part between dots, must start and end with a letter or digit.")
    if name.startswith(".") or name.endswith("."):
        refuse("it must start and end with a letter or digit.")
    if _IPV4_SHAPE.match(name):
        refuse("it must not look like an IP address.")
    for prefix in _RESERVED_PREFIXES:
        if name.startswith(prefix):
            refuse(f"the prefix {prefix!r} is reserved.")
    for suffix in _RESERVED_SUFFIXES:
        if name.endswith(suffix):
            refuse(f"the suffix {suffix!r} is reserved.")
    if name in RESERVED_BUCKET_NAMES:
        refuse("the name is reserved for an endpoint of the server.")


def validate_region_name(name: str, *, argument: str = "region") -> None:
    """Regions and cells: they appear in signatures, host names and metrics."""
    if not _REGION_NAME.match(name):
        raise InvalidArgument(
            argument, name, "1 to 63 lower-case letters, digits and hyphens, no hyphen at either end."
        )


def validate_name(name: str, *, argument: str) -> None:
    """Tenants and apps. No slash: `tenant/app` names an app completely."""
    if not _NAME.match(name):
        raise InvalidArgument(
            argument, name, "1 to 63 letters, digits, dots, hyphens and underscores, the first a letter or digit."
        )


def validate_action(action: str) -> None:
    if not action_is_known(action):
        known = ", ".join([*sorted(ACTIONS), *sorted(FAMILIES), EVERYTHING])
        raise InvalidArgument("action", action, f"not an action; choose one of {known}.")


def validate_resource(resource: str) -> None:
    if not resource:
        raise InvalidArgument("resource", resource, "empty; give a bucket, bucket/key, a prefix ending in * or *.")
    if len(resource) > RESOURCE_LIMIT_CHARACTERS:
        raise InvalidArgument(
            "resource", resource[:64] + "...", f"at most {RESOURCE_LIMIT_CHARACTERS} characters are allowed."
        )
    if "*" in resource[:-1]:
        raise InvalidArgument("resource", resource, "a * is allowed as the last character only.")
    if "\0" in resource:
        raise InvalidArgument("resource", resource, "a NUL character is not allowed.")
