"""The binary arrays arrive as PostgreSQL means them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from dataplane.metadata.arrays import BoolArray, ByteaArray, Int8Array, PgArray, TextArray, UuidArray
from dataplane.metadata.store import MetadataStore

ID = uuid.uuid4()


@pytest.mark.parametrize(
    ("array", "type_name", "values"),
    [
        (Int8Array, "bigint", [0, -1, 2**63 - 1, -(2**63), None]),
        (TextArray, "text", ["", "a", "ключ ✓", None, "NULL", '{",}']),
        (ByteaArray, "bytea", [b"", b"\x00\xff", None]),
        (BoolArray, "boolean", [True, False, None]),
        (UuidArray, "uuid", [ID, None]),
        (TextArray, "text", [None, None]),
        (UuidArray, "uuid", []),
    ],
)
async def test_there_and_back(store: MetadataStore, array: type[PgArray], type_name: str, values: list[Any]) -> None:
    query = f"SELECT %(values)s::{type_name}[], pg_typeof(%(values)s)::text".encode()
    [(returned, received)] = await store.pool.fetch(query, {"values": array(values)})
    assert returned == values
    assert received == f"{type_name}[]"


async def test_every_int_is_a_bigint(store: MetadataStore) -> None:
    for number in (1, 70_000, 2**40):
        assert await store.pool.fetch(b"SELECT pg_typeof(%(n)s)::text", {"n": number}) == [("bigint",)]
