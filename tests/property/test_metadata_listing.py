"""Listings against a sorted list: prefixes, delimiters, markers and page sizes over keys from all over Unicode."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any, TypeVar

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from dataplane.contracts import BucketRecord, DeleteItem, ObjectAttributes, Versioning
from dataplane.metadata.store import MetadataStore
from tests.support.metadata import make_bucket, make_inline
from tests.support.postgres import Databases

Result = TypeVar("Result")

# Neighbours of every border: the least characters, the delimiters, the gap of the surrogates, the last code point.
ALPHABET = "\x01\x02 /0a\x7fé\ud7ff\ue000\uffff\U00010000\U0010ffff"
KEYS = st.text(ALPHABET, min_size=1, max_size=6)
FEW_KEYS = st.sets(KEYS, max_size=14)
DELIMITERS = st.one_of(
    st.sampled_from(["", "/", "/", "a", "\U0010ffff", "\ud7ff", "//", "a\U0010ffff"]), st.text(ALPHABET, max_size=2)
)
PREFIXES = st.one_of(st.just(""), st.text(ALPHABET, max_size=3))
LIMITS = st.sampled_from([1, 2, 3, 5, 1000])
SETTINGS = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class Listed:
    """A store with a loop of its own: Hypothesis calls a test many times, each call waits for the store."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.runner = asyncio.Runner()
        self.store = MetadataStore(url, pool_size=2)
        self.run(self.store.open())

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    def close(self) -> None:
        self.run(self.store.close())
        self.runner.close()


@pytest.fixture(scope="module")
def listed(module_databases: Databases) -> Iterator[Listed]:
    listed = Listed(module_databases.regional_url)
    yield listed
    listed.close()


def in_byte_order(keys: set[str]) -> list[str]:
    return sorted(keys, key=str.encode)


def rolled_up(key: str, prefix: str, delimiter: str) -> str | None:
    place = key.find(delimiter, len(prefix)) if delimiter else -1
    return None if place < 0 else key[: place + len(delimiter)]


def entries_of(keys: set[str], prefix: str, delimiter: str) -> list[tuple[str, bool]]:
    """(key or common prefix, whether it is a prefix), in byte order, each once."""
    entries: dict[tuple[str, bool], None] = {}
    for key in in_byte_order(keys):
        if key.startswith(prefix):
            common = rolled_up(key, prefix, delimiter)
            entries[(key, False) if common is None else (common, True)] = None
    return list(entries)


@SETTINGS
@given(keys=FEW_KEYS, prefix=PREFIXES, delimiter=DELIMITERS, limit=LIMITS, after=st.one_of(st.just(""), KEYS))
def test_objects(listed: Listed, *, keys: set[str], prefix: str, delimiter: str, limit: int, after: str) -> None:
    bucket = make_bucket(listed.url)
    listed.run(_put_all(listed.store, bucket, in_byte_order(keys)))
    expected = [entry for entry in entries_of(keys, prefix, delimiter) if entry[0].encode() > after.encode()]
    found: list[tuple[str, bool]] = []
    marker: str | None = after
    while marker is not None:
        page = listed.run(
            listed.store.list_objects(bucket, prefix=prefix, delimiter=delimiter, after=marker, limit=limit)
        )
        entries = [(each.key, False) for each in page.objects] + [(each, True) for each in page.prefixes]
        assert len(entries) == limit if page.next_after is not None else len(entries) <= limit
        found += sorted(entries, key=lambda entry: entry[0].encode())
        marker = page.next_after
    assert found == expected


@SETTINGS
@given(
    changes=st.lists(st.tuples(KEYS, st.booleans()), max_size=14),
    again=st.lists(st.integers(0, 13), max_size=14),
    prefix=PREFIXES,
    delimiter=DELIMITERS,
    limit=LIMITS,
)
def test_versions(
    listed: Listed, *, changes: list[tuple[str, bool]], again: list[int], prefix: str, delimiter: str, limit: int
) -> None:
    bucket = make_bucket(listed.url, Versioning.ENABLED)
    history: dict[str, list[str]] = {}
    for key, is_delete in changes + [changes[place] for place in again if place < len(changes)]:
        if is_delete:
            [outcome] = listed.run(listed.store.delete(bucket, [DeleteItem(key)]))
            assert not isinstance(outcome, Exception)
            version_id = outcome.version_id
        else:
            version_id = listed.run(listed.store.put(bucket, make_inline(bucket, key))).version_id
        assert version_id is not None
        history.setdefault(key, []).insert(0, version_id)
    expected: list[tuple[str, str | None]] = []
    for name, is_prefix in entries_of(set(history), prefix, delimiter):
        expected += [(name, None)] if is_prefix else [(name, version_id) for version_id in history[name]]
    found: list[tuple[str, str | None]] = []
    marker, version_marker = "", None
    while True:
        page = listed.run(
            listed.store.list_versions(
                bucket,
                prefix=prefix,
                delimiter=delimiter,
                after_key=marker,
                after_version_id=version_marker,
                limit=limit,
            )
        )
        versions = [(each.key, each.version_id) for each in page.versions]
        assert len(versions) + len(page.prefixes) <= limit
        found += sorted([*versions, *((each, None) for each in page.prefixes)], key=lambda entry: entry[0].encode())
        if page.next_key is None:
            break
        marker, version_marker = page.next_key, page.next_version_id
    assert found == expected


@SETTINGS
@given(
    keys=st.lists(KEYS, max_size=8), again=st.lists(st.integers(0, 7), max_size=6), prefix=PREFIXES,
    delimiter=DELIMITERS, limit=LIMITS,
)  # fmt: skip
def test_uploads(listed: Listed, *, keys: list[str], again: list[int], prefix: str, delimiter: str, limit: int) -> None:
    bucket = make_bucket(listed.url)
    started: dict[str, list[str]] = {}
    for key in keys + [keys[place] for place in again if place < len(keys)]:
        upload = listed.run(listed.store.create_upload(bucket, key, ObjectAttributes()))
        started.setdefault(key, []).append(upload.upload_id)
    expected: list[tuple[str, str | None]] = []
    for name, is_prefix in entries_of(set(started), prefix, delimiter):
        expected += [(name, None)] if is_prefix else [(name, upload_id) for upload_id in started[name]]
    found: list[tuple[str, str | None]] = []
    marker, upload_marker = "", None
    while True:
        page = listed.run(
            listed.store.list_uploads(
                bucket,
                prefix=prefix,
                delimiter=delimiter,
                after_key=marker,
                after_upload_id=upload_marker,
                limit=limit,
            )
        )
        uploads = [(each.key, each.upload_id) for each in page.uploads]
        assert len(uploads) + len(page.prefixes) <= limit
        found += sorted([*uploads, *((each, None) for each in page.prefixes)], key=lambda entry: entry[0].encode())
        if page.next_key is None:
            break
        marker, upload_marker = page.next_key, page.next_upload_id
    assert found == expected


async def _put_all(store: MetadataStore, bucket: BucketRecord, keys: Sequence[str]) -> None:
    await asyncio.gather(*(store.put(bucket, make_inline(bucket, key)) for key in keys))
