"""Tells every worker what to forget: a PostgreSQL notice that is delivered when, and only if, the change commits.

`control/invalidation.py` hears it. The payload is `KIND:KEY`, the key as the caches know it.
"""

from __future__ import annotations

import enum

from django.db import transaction

CHANNEL = "anvil_invalidate"


class Changed(enum.StrEnum):
    BUCKET = "bucket"
    """Key: the bucket's name."""
    CREDENTIAL = "credential"
    """Key: the access key."""
    APP = "app"
    """Key: the app's id. Its rights or its state changed."""
    TENANT = "tenant"
    """Key: the tenant's id."""


def announce(kind: Changed, key: str | int) -> None:
    connection = transaction.get_connection()
    if not connection.in_atomic_block:
        raise RuntimeError(f"notice of a changed {kind} outside the transaction of its change")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, f"{kind}:{key}"])
