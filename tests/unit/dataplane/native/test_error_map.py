"""Every domain error has a gRPC status."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest

from dataplane import errors
from dataplane.native.error_map import STATUSES, status_of


def _tree(kind: type[errors.DomainError]) -> Iterator[type[errors.DomainError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


OURS = [kind for kind in _tree(errors.DomainError) if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", OURS)
def test_every_error_is_mapped_by_name(kind: type[errors.DomainError]) -> None:
    assert kind in STATUSES, f"think about what {kind.__name__} is to a gRPC client, and add it"


def test_nothing_else_is_mapped() -> None:
    assert set(STATUSES) == set(OURS)


def test_no_error_is_success_or_a_bug() -> None:
    assert not {grpc.StatusCode.OK, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNIMPLEMENTED} & set(STATUSES.values())


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.NoSuchKey("k"), grpc.StatusCode.NOT_FOUND),
        (errors.InvalidCredential("a"), grpc.StatusCode.UNAUTHENTICATED),
        (errors.AccessDenied(), grpc.StatusCode.PERMISSION_DENIED),
        (errors.MetadataUnavailable("down"), grpc.StatusCode.UNAVAILABLE),
    ],
)
def test_some(error: errors.DomainError, status: grpc.StatusCode) -> None:
    assert status_of(error) is status


def test_an_error_from_elsewhere_is_its_ancestor() -> None:
    class Special(errors.NoSuchKey):
        pass

    assert status_of(Special("k")) is grpc.StatusCode.NOT_FOUND
