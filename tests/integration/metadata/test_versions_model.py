"""Puts, deletes and listings of a few keys against a model that is a list of versions a key, newest first."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from dataplane.contracts import (
    NO_CONDITIONS,
    NULL_VERSION,
    BucketRecord,
    Deleted,
    DeleteItem,
    NewVersion,
    ObjectAttributes,
    Versioning,
    WriteConditions,
)
from dataplane.errors import DomainError, NoSuchKey, ObjectLocked, PreconditionFailed
from dataplane.metadata.store import MetadataStore
from dataplane.metadata.version_ids import new_id
from tests.support.metadata import (
    assert_consistent,
    make_bucket,
    make_inline,
    make_joined,
    make_part,
    make_sharded,
)

KEYS = ["a/b", "ä"]
Result = TypeVar("Result")


@dataclass
class Kept:
    """A version as the model remembers it."""

    version_id: str
    etag: str = ""
    marker: bool = False
    locked: bool = False
    tags: dict[str, str] = field(default_factory=dict)


class VersionsMachine(RuleBasedStateMachine):
    url: str

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.store = MetadataStore(self.url, pool_size=2)
        self.run(self.store.open())
        self.bucket: BucketRecord = make_bucket(self.url)
        self.versioning = Versioning.UNVERSIONED
        self.kept: dict[str, list[Kept]] = {key: [] for key in KEYS}

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.run(self.store.close())
        self.runner.close()
        assert_consistent(self.url)

    @initialize(
        history=st.lists(st.tuples(st.sampled_from(Versioning), st.sampled_from(KEYS)), min_size=2, max_size=10),
    )
    def begin(self, history: list[tuple[Versioning, str]]) -> None:
        """Several versions are there from the start; few runs would come so far by themselves."""
        for versioning, key in history:
            self.switch(versioning)
            self.put(key, "inline", "none", "no")

    @rule(versioning=st.sampled_from([Versioning.ENABLED, Versioning.SUSPENDED]))
    def switch(self, versioning: Versioning) -> None:
        if versioning is not Versioning.UNVERSIONED:
            self.run(self.store.set_versioning(self.bucket.id, versioning))
            self.versioning = versioning

    @rule(
        key=st.sampled_from(KEYS),
        content=st.sampled_from(["inline", "blob", "parts"]),
        condition=st.sampled_from(["none"] * 6 + ["absent", "same", "other", "any", "not this"]),
        lock=st.sampled_from(["no"] * 6 + ["hold", "past"]),
    )
    def put(self, key: str, content: str, condition: str, lock: str) -> None:
        current = self.current(key)
        conditions = {
            "none": NO_CONDITIONS,
            "absent": WriteConditions(if_none_match=True),
            "same": WriteConditions(if_match=current.etag if current else "nothing"),
            "other": WriteConditions(if_match="something else"),
            "any": WriteConditions(if_match="*"),
            "not this": WriteConditions(if_none_match_etag=current.etag if current else "nothing"),
        }[condition]
        new = self.new(key, content, lock if self.versioning is Versioning.ENABLED else "no")
        expected: type[DomainError] | None = None
        if current is None and conditions.if_match is not None:
            expected = NoSuchKey
        elif current is not None and condition in ("absent", "other", "not this"):
            expected = PreconditionFailed
        elif self.versioning is not Versioning.ENABLED and any(
            kept.locked and kept.version_id == NULL_VERSION for kept in self.kept[key]
        ):
            expected = ObjectLocked
        try:
            committed = self.run(self.store.put(self.bucket, new, conditions))
        except DomainError as error:
            assert expected is not None and isinstance(error, expected), error
            return
        assert expected is None
        if self.versioning is Versioning.ENABLED:
            assert committed.version_id
        else:
            assert committed.version_id == (None if self.versioning is Versioning.UNVERSIONED else NULL_VERSION)
        self.push(key, Kept(committed.version_id or NULL_VERSION, new.etag, locked=new.attributes.legal_hold))

    def new(self, key: str, content: str, lock: str) -> NewVersion:
        attributes = ObjectAttributes(
            legal_hold=lock == "hold",
            lock_mode="COMPLIANCE" if lock == "past" else "",
            retain_until=datetime.now(UTC) - timedelta(days=1) if lock == "past" else None,
        )
        if content == "inline":
            return make_inline(self.bucket, key, attributes=attributes)
        made = (
            make_sharded(self.bucket, key)
            if content == "blob"
            else make_joined(self.bucket, key, (make_part(1), make_part(3)))
        )
        return NewVersion(made.bucket_id, made.key, made.size, made.etag, attributes, blob=made.blob, parts=made.parts)

    @rule(key=st.sampled_from(KEYS), condition=st.sampled_from(["none", "none", "same", "other"]))
    def delete(self, key: str, condition: str) -> None:
        current = self.current(key)
        conditions = {
            "none": NO_CONDITIONS,
            "same": WriteConditions(if_match=current.etag if current else "nothing"),
            "other": WriteConditions(if_match="something else"),
        }[condition]
        [outcome] = self.run(self.store.delete(self.bucket, [DeleteItem(key, conditions=conditions)]))
        if current is not None and condition == "other":
            assert isinstance(outcome, PreconditionFailed)
        elif current is None and condition != "none":
            assert outcome == Deleted(None, existed=False)
        elif self.versioning is Versioning.UNVERSIONED:
            assert outcome == Deleted(None, existed=current is not None)
            self.kept[key] = []
        elif self.versioning is Versioning.SUSPENDED and any(
            kept.locked and kept.version_id == NULL_VERSION for kept in self.kept[key]
        ):
            assert isinstance(outcome, ObjectLocked)
        else:
            assert isinstance(outcome, Deleted) and outcome.delete_marker and outcome.version_id is not None
            assert (outcome.version_id == NULL_VERSION) == (self.versioning is Versioning.SUSPENDED)
            assert outcome.existed == (current is not None)
            self.push(key, Kept(outcome.version_id, marker=True))

    @rule(key=st.sampled_from(KEYS), place=st.sampled_from([0, 0, 0, 1, 2, 9]), lift=st.booleans())
    def delete_version(self, key: str, place: int, lift: bool) -> None:
        versions = self.kept[key]
        kept = versions[place] if place < len(versions) else None
        version_id = kept.version_id if kept else new_id(datetime.now(UTC))
        [outcome] = self.run(self.store.delete(self.bucket, [DeleteItem(key, version_id)], bypass_governance=lift))
        if kept is None:
            assert outcome == Deleted(version_id, existed=False)
        elif kept.locked:
            assert isinstance(outcome, ObjectLocked)
        else:
            assert outcome == Deleted(version_id, delete_marker=kept.marker)
            versions.remove(kept)

    @rule(key=st.sampled_from(KEYS), tags=st.dictionaries(st.sampled_from("xy"), st.text("ab", max_size=2), max_size=2))
    def tag(self, key: str, tags: dict[str, str]) -> None:
        current = self.current(key)
        if current is None:
            try:
                self.run(self.store.put_tags(self.bucket, key, None, tags))
            except NoSuchKey:
                return
            raise AssertionError("tagged nothing")
        self.run(self.store.put_tags(self.bucket, key, None, tags))
        current.tags = tags

    @invariant()
    def current_versions_are_found(self) -> None:
        for key in KEYS:
            found = self.run(self.store.lookup(self.bucket, key))
            versions = self.kept[key]
            assert (found is None) == (not versions)
            if found is not None:
                assert (found.version_id, found.etag, found.delete_marker) == (
                    versions[0].version_id,
                    versions[0].etag,
                    versions[0].marker,
                )
                assert found.tags == versions[0].tags
                assert found.delete_marker or found.inline or found.blob or len(found.parts) == found.part_count > 0

    @invariant()
    def every_version_is_found_by_its_id(self) -> None:
        for key, versions in self.kept.items():
            for kept in versions:
                found = self.run(self.store.lookup_version(self.bucket, key, kept.version_id))
                assert found is not None and (found.etag, found.delete_marker) == (kept.etag, kept.marker)
                assert found.is_current == (kept is versions[0])
            if all(kept.version_id != NULL_VERSION for kept in versions):
                assert self.run(self.store.lookup_version(self.bucket, key, NULL_VERSION)) is None

    @invariant()
    def listings_agree(self) -> None:
        page = self.run(self.store.list_versions(self.bucket))
        listed = [(each.key, each.version_id, each.etag, each.delete_marker, each.is_current) for each in page.versions]
        assert listed == [
            (key, kept.version_id, kept.etag, kept.marker, kept is self.kept[key][0])
            for key in sorted(KEYS)
            for kept in self.kept[key]
        ]
        objects = self.run(self.store.list_objects(self.bucket)).objects
        assert [(each.key, each.etag) for each in objects] == [
            (key, current.etag) for key in sorted(KEYS) if (current := self.current(key)) is not None
        ]

    def current(self, key: str) -> Kept | None:
        versions = self.kept[key]
        return versions[0] if versions and not versions[0].marker else None

    def push(self, key: str, kept: Kept) -> None:
        versions = self.kept[key]
        if kept.version_id == NULL_VERSION:
            versions[:] = [each for each in versions if each.version_id != NULL_VERSION]
        versions.insert(0, kept)


@pytest.mark.slow
def test_versions_behave_like_a_list(regional_url: str) -> None:
    machine = type("Machine", (VersionsMachine,), {"url": regional_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # A failing run is short enough to read, and making it shorter takes minutes of database time.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
        ),
    )
