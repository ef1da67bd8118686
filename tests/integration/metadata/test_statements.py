"""Every hand-written statement fits the migrated schema, and finds its rows by an index."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import psycopg
import pytest

import dataplane.metadata
from dataplane.metadata.tables import Statement
from tests.support.postgres import Databases

PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def all_statements() -> Iterator[tuple[str, Statement]]:
    for module_info in pkgutil.iter_modules(dataplane.metadata.__path__, "dataplane.metadata."):
        module = importlib.import_module(module_info.name)
        for name, value in vars(module).items():
            if isinstance(value, Statement):
                yield f"{module_info.name.rpartition('.')[2]}.{name}", value


STATEMENTS = dict(all_statements())

READS_A_WHOLE_TABLE = {
    "journal.DROP_OLD_REST",  # the partition of last resort, empty as a rule; in pieces, every hour
    "task_rows.COUNTS",  # counts everything by nature; a few times a minute
}


def prepared_form(text: str) -> tuple[str, int]:
    """Named placeholders into $1, $2 ...: PostgreSQL then derives every type by itself or refuses."""
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return f"${numbers.setdefault(match[1], len(numbers) + 1)}"

    return PLACEHOLDER.sub(number, text), len(numbers)


@pytest.fixture(scope="module")
def connection(module_databases: Databases) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_databases.regional_url, autocommit=True) as connection:
        connection.execute("SET plan_cache_mode = force_generic_plan")
        connection.execute("SET enable_seqscan = off")
        yield connection


def test_there_are_statements() -> None:
    assert len(STATEMENTS) > 30


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_statement_fits_the_schema(name: str, connection: psycopg.Connection) -> None:
    text, parameters = prepared_form(STATEMENTS[name].decode())
    connection.execute(f"PREPARE probe AS {text}")
    try:
        arguments = f"({', '.join(['NULL'] * parameters)})" if parameters else ""
        plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN EXECUTE probe{arguments}"))
    finally:
        connection.execute("DEALLOCATE probe")
    assert ("Seq Scan" in plan) == (name in READS_A_WHOLE_TABLE), plan
