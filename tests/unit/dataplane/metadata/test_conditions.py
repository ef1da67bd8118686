"""Conditions of writes against what is there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dataplane.contracts import NO_CONDITIONS, WriteConditions
from dataplane.errors import DomainError, NoSuchKey, PreconditionFailed
from dataplane.metadata.conditions import require_for_write

CREATED = datetime(2026, 11, 20, 8, 30, 15, 123456, tzinfo=UTC)
WHOLE_SECOND = CREATED.replace(microsecond=0)


@pytest.mark.parametrize(
    ("conditions", "absent", "present"),
    [
        (NO_CONDITIONS, None, None),
        (WriteConditions(if_none_match=True), None, PreconditionFailed),
        (WriteConditions(if_none_match_etag="etag"), None, PreconditionFailed),
        (WriteConditions(if_none_match_etag="other"), None, None),
        (WriteConditions(if_match="etag"), NoSuchKey, None),
        (WriteConditions(if_match="*"), NoSuchKey, None),
        (WriteConditions(if_match="other"), NoSuchKey, PreconditionFailed),
        (WriteConditions(if_match_last_modified=WHOLE_SECOND), None, None),
        (WriteConditions(if_match_last_modified=WHOLE_SECOND + timedelta(seconds=1)), None, PreconditionFailed),
        (WriteConditions(if_match_size=7), None, None),
        (WriteConditions(if_match_size=8), None, PreconditionFailed),
    ],
)
def test_conditions(
    conditions: WriteConditions, absent: type[DomainError] | None, present: type[DomainError] | None
) -> None:
    for exists, expected in ((False, absent), (True, present)):
        fact = {"etag": "etag", "created": CREATED, "size": 7} if exists else {"etag": "", "created": None, "size": 0}
        if expected is None:
            require_for_write(conditions, "k", exists=exists, **fact)  # type: ignore[arg-type]
        else:
            with pytest.raises(expected):
                require_for_write(conditions, "k", exists=exists, **fact)  # type: ignore[arg-type]
