"""The directory against a real database: what it answers, what it keeps, what it forgets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import pytest
from django.db import connections

from control.directory import DjangoDirectory
from control.models import Bucket, Region
from control.services import apps, bucket_phases, credentials, policies, tenants
from control.services.bucket_phases import RegionalSide
from control.services.credentials import IssuedCredential
from control.services.origin import Origin
from dataplane.contracts import BucketRecord, Grant
from dataplane.crypto.keys import KeyRing
from dataplane.errors import (
    BucketAlreadyOwnedByYou,
    BucketNotEmpty,
    MetadataUnavailable,
    NoSuchBucket,
    Overloaded,
)
from dataplane.ports import Directory
from tests.support.memory_regional_buckets import MemoryRegionalBuckets

R = TypeVar("R")


async def in_thread(function: Callable[[], R]) -> R:
    """ORM code from a test's event loop, as another process would run it: the directory hears nothing of it."""

    def call() -> R:
        try:
            return function()
        finally:
            connections.close_all()

    return await asyncio.to_thread(call)


@pytest.fixture
async def directory(
    issued: IssuedCredential, region: Region, key_ring: KeyRing, regional: RegionalSide
) -> AsyncIterator[DjangoDirectory]:
    directory = DjangoDirectory(key_ring=key_ring, regional=regional)
    directory.hears_changes()
    yield directory
    directory.close()


async def create(directory: DjangoDirectory, issued: IssuedCredential, name: str = "photos") -> BucketRecord:
    return await directory.create_bucket(
        name=name,
        tenant_id=issued.credential.app.tenant_id,
        region="us-east-1",
        object_lock=False,
        actor="app:acme/uploader",
    )


async def test_it_is_what_the_data_plane_asks_for(directory: DjangoDirectory) -> None:
    port: Directory = directory
    assert await port.bucket("nobody") is None


async def test_a_credential_comes_with_its_secret_and_grants_and_is_kept(
    directory: DjangoDirectory, issued: IssuedCredential, origin: Origin
) -> None:
    app = issued.credential.app
    await in_thread(lambda: policies.grant(app, action="object:*", resource="photos/*", origin=origin))
    assert directory.cached_credential(issued.access_key) is None
    credential = await directory.credential(issued.access_key)
    assert credential is not None
    assert credential.secret_key == issued.secret_key
    principal = credential.principal
    assert (principal.tenant_name, principal.app_name, principal.app_id) == ("acme", "uploader", app.pk)
    assert principal.grants == (Grant("object:*", "photos/*"),)
    assert directory.cached_credential(issued.access_key) is credential
    assert issued.secret_key not in repr(credential)


async def test_an_unknown_key_is_none(directory: DjangoDirectory) -> None:
    assert await directory.credential("app_nobody") is None
    assert directory.cached_credential("app_nobody") is None


@pytest.mark.parametrize("what", ["tenant", "app", "credential"])
async def test_a_disabled_tenant_app_or_credential_is_none_and_comes_back(
    directory: DjangoDirectory, issued: IssuedCredential, origin: Origin, what: str
) -> None:
    row = issued.credential

    def switch(enabled: bool) -> tuple[str, str]:
        match what:
            case "tenant":
                tenants.update(row.app.tenant, enabled=enabled, origin=origin)
                return "tenant", str(row.app.tenant_id)
            case "app":
                apps.set_enabled(row.app, enabled=enabled, origin=origin)
                return "app", str(row.app_id)
        credentials.set_enabled(row, enabled=enabled, origin=origin)
        return "credential", row.access_key

    assert await directory.credential(issued.access_key) is not None
    directory.forget(*await in_thread(lambda: switch(False)))
    assert await directory.credential(issued.access_key) is None
    directory.forget(*await in_thread(lambda: switch(True)))
    assert await directory.credential(issued.access_key) is not None


async def test_what_another_kind_of_change_concerns_is_kept(
    directory: DjangoDirectory, issued: IssuedCredential
) -> None:
    bucket = await create(directory, issued)
    await directory.bucket(bucket.name)
    await directory.credential(issued.access_key)
    directory.forget("app", str(issued.credential.app_id + 1))
    directory.forget("tenant", str(issued.credential.app.tenant_id + 1))
    directory.forget("bucket", "other")
    directory.forget("credential", "app_other")
    assert directory.cached_credential(issued.access_key) is not None
    assert directory.cached_bucket(bucket.name) is not None
    directory.forget("tenant", str(bucket.tenant_id))
    assert directory.cached_bucket(bucket.name) is None
    assert directory.cached_credential(issued.access_key) is None


async def test_a_kind_of_a_newer_version_forgets_everything(
    directory: DjangoDirectory, issued: IssuedCredential
) -> None:
    await directory.credential(issued.access_key)
    directory.forget("quota", "7")
    assert directory.cached_credential(issued.access_key) is None


async def test_a_bucket_is_created_found_listed_and_deleted(
    directory: DjangoDirectory, issued: IssuedCredential
) -> None:
    assert await directory.bucket("photos") is None
    bucket = await create(directory, issued)
    assert (bucket.tenant_name, bucket.region, bucket.public_read) == ("acme", "us-east-1", False)
    assert bucket.created_at.tzinfo is not None
    assert await directory.bucket("photos") == bucket, "the negative answer from before must be gone"
    with pytest.raises(BucketAlreadyOwnedByYou):
        await create(directory, issued)
    await directory.delete_bucket(bucket, actor="app:acme/uploader")
    assert await directory.bucket("photos") is None
    with pytest.raises(NoSuchBucket):
        await directory.delete_bucket(bucket, actor="app:acme/uploader")


async def test_a_bucket_that_holds_something_is_not_deleted(
    directory: DjangoDirectory, issued: IssuedCredential, regional_buckets: MemoryRegionalBuckets
) -> None:
    bucket = await create(directory, issued)
    regional_buckets.occupied.add(bucket.id)
    with pytest.raises(BucketNotEmpty):
        await directory.delete_bucket(bucket, actor="app:acme/uploader")
    assert await directory.bucket("photos") == bucket


async def test_a_bucket_that_is_being_deleted_stays_visible_until_the_region_decides(
    directory: DjangoDirectory, issued: IssuedCredential, origin: Origin
) -> None:
    bucket = await create(directory, issued)
    row = await in_thread(lambda: Bucket.objects.get(pk=bucket.id))
    await in_thread(lambda: bucket_phases.begin_delete(row, origin=origin))
    assert await directory.bucket("photos") == bucket
    assert await directory.list_buckets(bucket.tenant_id) == [bucket]


async def test_a_half_made_bucket_is_invisible(
    directory: DjangoDirectory, issued: IssuedCredential, origin: Origin
) -> None:
    tenant_id = issued.credential.app.tenant_id
    await in_thread(
        lambda: bucket_phases.claim("photos", tenant_id=tenant_id, region="us-east-1", object_lock=False, origin=origin)
    )
    assert await directory.bucket("photos") is None
    assert await directory.list_buckets(tenant_id) == []


async def test_listings_are_in_byte_order_with_prefix_and_marker(
    directory: DjangoDirectory, issued: IssuedCredential
) -> None:
    tenant_id = issued.credential.app.tenant_id
    # In most languages' collations hyphens and dots count less than letters; in bytes they come first.
    names = ["a-z", "a.b", "aaa", "ab-1", "b00"]
    for name in reversed(names):
        await create(directory, issued, name)

    async def listed(**arguments: str | int) -> list[str]:
        return [bucket.name for bucket in await directory.list_buckets(tenant_id, **arguments)]  # type: ignore[arg-type]

    assert await listed() == names
    assert await listed(prefix="a") == names[:4]
    assert await listed(after="a.b") == names[2:]
    assert await listed(prefix="a", after="a-z", limit=2) == ["a.b", "aaa"]
    assert await listed(prefix="_") == []
    assert await directory.list_buckets(tenant_id + 1) == []


async def test_public_access_is_seen_at_once(directory: DjangoDirectory, issued: IssuedCredential) -> None:
    bucket = await create(directory, issued)
    await directory.bucket("photos")
    changed = await directory.set_public_read(bucket, allowed=True, actor="app:acme/uploader")
    assert changed.public_read
    assert await directory.bucket("photos") == changed


async def test_without_a_listener_nothing_is_trusted_for_longer_than_a_second(
    issued: IssuedCredential, key_ring: KeyRing, regional: RegionalSide
) -> None:
    now_seconds = 0.0
    directory = DjangoDirectory(key_ring=key_ring, regional=regional, clock=lambda: now_seconds)
    try:
        await directory.credential(issued.access_key)
        now_seconds = 0.9
        assert directory.cached_credential(issued.access_key) is not None
        now_seconds = 1.0
        assert directory.cached_credential(issued.access_key) is None
        directory.hears_changes()
        await directory.credential(issued.access_key)
        now_seconds = 300.0
        assert directory.cached_credential(issued.access_key) is not None
        directory.hears_nothing()
        assert directory.cached_credential(issued.access_key) is None
    finally:
        directory.close()


async def test_a_database_that_is_away_is_a_domain_error(directory: DjangoDirectory, issued: IssuedCredential) -> None:
    here = connections.settings["default"]["HOST"]
    connections.settings["default"]["HOST"] = "/nonexistent/socket/directory"
    try:
        with pytest.raises(MetadataUnavailable, match="/nonexistent/socket/directory"):
            await directory.credential(issued.access_key)
    finally:
        connections.settings["default"]["HOST"] = here
    assert await directory.credential(issued.access_key) is not None, "a failure is not remembered"


async def test_many_questions_at_once_share_few_connections_and_too_many_are_refused(
    directory: DjangoDirectory, issued: IssuedCredential
) -> None:
    questions = [directory.bucket(f"unknown-{number}") for number in range(600)]
    answers = await asyncio.gather(*questions, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Overloaded)]
    assert len(refused) == 600 - 512
    assert answers.count(None) == 512
    assert await directory.credential(issued.access_key) is not None


async def test_threads_leave_no_connection_behind(directory: DjangoDirectory, issued: IssuedCredential) -> None:
    await asyncio.gather(*(directory.bucket(f"unknown-{number}") for number in range(20)))
    await create(directory, issued)

    def connected() -> int:
        with connections["default"].cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            return int(cursor.fetchone()[0])

    deadline = asyncio.get_running_loop().time() + 10
    # One is the connection of the test's own thread, from its fixtures.
    while await in_thread(connected) > 1:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)
