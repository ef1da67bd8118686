"""Every domain error has a status on the REST wire."""

from __future__ import annotations

import pytest

from control.api.problems import slug_of, status_of
from dataplane import errors


def every_error(kind: type[errors.DomainError] = errors.DomainError) -> list[type[errors.DomainError]]:
    return [found for child in kind.__subclasses__() for found in (child, *every_error(child))]


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_status_exists(kind: type[errors.DomainError]) -> None:
    assert 300 <= status_of(kind.__new__(kind)) < 600


def test_slug() -> None:
    assert slug_of("BucketNotEmpty") == "bucket-not-empty"
