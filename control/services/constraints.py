"""Reads which named constraint a refused write broke, so that a race ends in a domain error and not in a 500."""

from __future__ import annotations

from django.db import IntegrityError
from psycopg.errors import Error


def broken_constraint(error: IntegrityError) -> str | None:
    cause = error.__cause__
    return cause.diag.constraint_name if isinstance(cause, Error) else None
