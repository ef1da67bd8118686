"""The data plane's view of the global database: `dataplane.ports.Directory` over Django's ORM.

Reads are cached (see `lookup_cache`); what changes is dropped by `control/invalidation.py` through `forget`. The ORM
is synchronous, so every query runs in one of two small thread pools: reads never wait behind a slow write.
Must not know HTTP or S3, nor where its key ring and regional port come from.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import InterfaceError, OperationalError, close_old_connections

from control.lookup_cache import LookupCache
from control.models import Bucket, BucketPhase
from control.models import Credential as CredentialRow
from control.services import buckets, credentials
from control.services.announcements import Changed
from control.services.bucket_phases import RegionalSide
from control.services.origin import Origin
from dataplane.contracts import BucketRecord, Credential, Grant, Principal
from dataplane.crypto.keys import KeyRing
from dataplane.errors import MetadataUnavailable, NoSuchBucket, Overloaded

R = TypeVar("R")

CAPACITY = 10_000
"""Credentials, and buckets, kept a process: some 20 MB at the most."""
TTL_SECONDS = 300.0
NEGATIVE_TTL_SECONDS = 5.0
DISCONNECTED_TTL_SECONDS = 1.0
READ_THREADS = 4
WRITE_THREADS = 4
WAITING_LIMIT = 512
"""Queries waiting for a thread, of each kind; beyond it callers are told to slow down."""

_VISIBLE = (BucketPhase.READY, BucketPhase.DELETING)


class DjangoDirectory:
    """Belongs to the event loop it is first used on. Call `close()` when the process ends."""

    def __init__(
        self,
        *,
        key_ring: KeyRing,
        regional: RegionalSide,
        ttl_seconds: float = TTL_SECONDS,
        negative_ttl_seconds: float = NEGATIVE_TTL_SECONDS,
        capacity: int = CAPACITY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._key_ring = key_ring
        self._regional = regional
        self._readers = _OrmThreads("directory-read", READ_THREADS)
        self._writers = _OrmThreads("directory-write", WRITE_THREADS)
        self._credentials: LookupCache[Credential] = LookupCache(
            "credentials",
            lambda access_key: self._readers.submit(_load_credential, access_key, self._key_ring),
            capacity=capacity,
            ttl_seconds=ttl_seconds,
            negative_ttl_seconds=negative_ttl_seconds,
            lookups_limit=WAITING_LIMIT,
            clock=clock,
        )
        self._buckets: LookupCache[BucketRecord] = LookupCache(
            "buckets",
            lambda name: self._readers.submit(_load_bucket, name),
            capacity=capacity,
            ttl_seconds=ttl_seconds,
            negative_ttl_seconds=negative_ttl_seconds,
            lookups_limit=WAITING_LIMIT,
            clock=clock,
        )
        # Until a listener says that it hears of changes, nothing may be trusted for long.
        self.hears_nothing()

    def close(self) -> None:
        self._readers.close()
        self._writers.close()

    # Reads

    def cached_credential(self, access_key: str) -> Credential | None:
        return self._credentials.cached(access_key)

    async def credential(self, access_key: str) -> Credential | None:
        """None for an unknown access key and for one that, or whose app or tenant, is disabled."""
        return await self._credentials.get(access_key)

    def cached_bucket(self, name: str) -> BucketRecord | None:
        return self._buckets.cached(name)

    async def bucket(self, name: str) -> BucketRecord | None:
        return await self._buckets.get(name)

    async def list_buckets(
        self, tenant_id: int, *, prefix: str = "", after: str = "", limit: int = 1000
    ) -> list[BucketRecord]:
        return await self._readers.submit(_load_buckets, tenant_id, prefix, after, limit)

    # Writes

    async def create_bucket(
        self, *, name: str, tenant_id: int, region: str, object_lock: bool, actor: str
    ) -> BucketRecord:
        def create() -> BucketRecord:
            row = buckets.create(
                name,
                tenant_id=tenant_id,
                region=region,
                object_lock=object_lock,
                origin=Origin(actor),
                regional=self._regional,
            )
            return _bucket_record(row)

        try:
            return await self._writers.submit(create)
        finally:
            self._buckets.drop(name)

    async def delete_bucket(self, bucket: BucketRecord, *, actor: str) -> None:
        def delete() -> None:
            buckets.delete(_row_of(bucket), origin=Origin(actor), regional=self._regional)

        try:
            await self._writers.submit(delete)
        finally:
            self._buckets.drop(bucket.name)

    async def set_public_read(self, bucket: BucketRecord, *, allowed: bool, actor: str) -> BucketRecord:
        def change() -> BucketRecord:
            return _bucket_record(buckets.set_public_access(_row_of(bucket), allowed=allowed, origin=Origin(actor)))

        try:
            return await self._writers.submit(change)
        finally:
            self._buckets.drop(bucket.name)

    # What the listener says

    def forget(self, kind: str, key: str) -> None:
        """Something changed: the next question about it is answered from the database."""
        match kind:
            case Changed.BUCKET:
                self._buckets.drop(key)
            case Changed.CREDENTIAL:
                self._credentials.drop(key)
            case Changed.APP:
                self._credentials.drop_where(lambda credential: str(credential.principal.app_id) == key)
            case Changed.TENANT:
                self._credentials.drop_where(lambda credential: str(credential.principal.tenant_id) == key)
                self._buckets.drop_where(lambda bucket: str(bucket.tenant_id) == key)
            case _:  # of a newer version, during a rolling upgrade: better to forget too much
                self.forget_all()

    def forget_all(self) -> None:
        self._credentials.clear()
        self._buckets.clear()

    def hears_changes(self) -> None:
        """From now on changes are announced. What was read before may be outdated already."""
        self.forget_all()
        self._credentials.cap_age(float("inf"))
        self._buckets.cap_age(float("inf"))

    def hears_nothing(self) -> None:
        """Changes may be missed from now on: age alone must bound how wrong an answer can be."""
        self.forget_all()
        self._credentials.cap_age(DISCONNECTED_TTL_SECONDS)
        self._buckets.cap_age(DISCONNECTED_TTL_SECONDS)


class _OrmThreads:
    """A bounded thread pool for ORM code: connections go back where they came from after each call."""

    def __init__(self, name: str, threads: int) -> None:
        self._name = name
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._unfinished = 0

    def submit(self, function: Callable[..., R], *arguments: object) -> asyncio.Future[R]:
        """Raises `Overloaded` at once where too much is waiting."""
        if self._unfinished >= WAITING_LIMIT:
            raise Overloaded(f"The queue {self._name!r}")
        future = asyncio.get_running_loop().run_in_executor(self._executor, _in_orm_thread, function, arguments)
        self._unfinished += 1
        future.add_done_callback(self._finished)
        return future

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _finished(self, _: asyncio.Future[R]) -> None:
        self._unfinished -= 1


def _in_orm_thread(function: Callable[..., R], arguments: tuple[object, ...]) -> R:
    close_old_connections()
    try:
        return function(*arguments)
    except (OperationalError, InterfaceError) as error:
        raise MetadataUnavailable(str(error).strip()) from error
    finally:
        close_old_connections()


def _load_credential(access_key: str, key_ring: KeyRing) -> Credential | None:
    row = (
        CredentialRow.objects.select_related("app__tenant")
        .filter(access_key=access_key, enabled=True, app__enabled=True, app__tenant__enabled=True)
        .first()
    )
    if row is None:
        return None
    app = row.app
    grants = tuple(Grant(action, resource) for action, resource in app.grants.values_list("action", "resource"))
    principal = Principal(
        tenant_id=app.tenant_id,
        tenant_name=app.tenant.name,
        app_id=app.pk,
        app_name=app.name,
        access_key=access_key,
        grants=grants,
    )
    return Credential(access_key, credentials.open_secret(row, key_ring=key_ring), principal)


def _load_bucket(name: str) -> BucketRecord | None:
    row = Bucket.objects.select_related("tenant", "region").filter(name=name, state__in=_VISIBLE).first()
    return None if row is None else _bucket_record(row)


def _load_buckets(tenant_id: int, prefix: str, after: str, limit: int) -> list[BucketRecord]:
    rows = Bucket.objects.select_related("tenant", "region").filter(tenant_id=tenant_id, state__in=_VISIBLE)
    if prefix:
        rows = rows.filter(name__startswith=prefix)
    if after:
        rows = rows.filter(name__gt=after)
    return [_bucket_record(row) for row in rows.order_by("name")[:limit]]


def _bucket_record(row: Bucket) -> BucketRecord:
    return BucketRecord(
        id=row.pk,
        name=row.name,
        tenant_id=row.tenant_id,
        tenant_name=row.tenant.name,
        region=row.region.name,
        created_at=row.created_at,
        public_read=row.public_read,
        object_lock=row.object_lock,
    )


def _row_of(bucket: BucketRecord) -> Bucket:
    row = Bucket.objects.filter(pk=bucket.id).first()
    if row is None:
        raise NoSuchBucket(bucket.name)
    return row
