"""What a failure of the database means to a caller."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors as pg
from psycopg_pool import PoolTimeout, TooManyRequests

from dataplane.errors import DomainError, InvalidArgument, MetadataUnavailable, OperationAborted, Overloaded
from dataplane.metadata.pool import domain_error


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (psycopg.OperationalError("server closed the connection"), MetadataUnavailable),
        (pg.QueryCanceled("statement timeout"), MetadataUnavailable),
        (pg.AdminShutdown("going down"), MetadataUnavailable),
        (pg.ReadOnlySqlTransaction("a standby"), MetadataUnavailable),
        (pg.DiskFull("no space"), MetadataUnavailable),
        (PoolTimeout("no connection"), MetadataUnavailable),
        (TooManyRequests("queue full"), Overloaded),
        (pg.DeadlockDetected("deadlock"), OperationAborted),
        (pg.SerializationFailure("serialize"), OperationAborted),
        (pg.LockNotAvailable("lock timeout"), OperationAborted),
        (pg.UntranslatableCharacter("\\u0000"), InvalidArgument),
        (pg.CharacterNotInRepertoire("0x00"), InvalidArgument),
        (pg.UniqueViolation("duplicate"), None),
        (pg.UndefinedColumn("typo"), None),
    ],
)
def test_meaning(error: Exception, meaning: type[DomainError] | None) -> None:
    found = domain_error(error)
    assert found is None if meaning is None else isinstance(found, meaning)
