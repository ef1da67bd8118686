"""Field types and database functions that Django has no name for. PostgreSQL only."""

from __future__ import annotations

from typing import Any

from django.db import models


class ClockTimestamp(models.Func):
    """`clock_timestamp()`: the database's clock at the moment of the row, not of the transaction."""

    function = "clock_timestamp"
    template = "%(function)s()"
    output_field = models.DateTimeField()


class CurrentTransaction(models.Func):
    """`pg_current_xact_id()`: the 64-bit id of the writing transaction; never wraps."""

    function = "pg_current_xact_id"
    template = "%(function)s()"


class TransactionIdField(models.Field):  # type: ignore[type-arg]
    """An `xid8` column."""

    def db_type(self, connection: Any) -> str:
        return "xid8"


class SmallIntegerArrayField(models.Field):  # type: ignore[type-arg]
    """A `smallint[]` column; a list of int in Python. (Django's own ArrayField wants `django.contrib.postgres`.)"""

    def db_type(self, connection: Any) -> str:
        return "smallint[]"


class KeyField(models.TextField):  # type: ignore[type-arg]
    """Text that is ordered by the bytes of its UTF-8, as S3 lists keys, whatever the database's locale."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["db_collation"] = "C"
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["db_collation"]
        return name, path, args, kwargs
