"""`dataplane.ports.Directory` in memory: credentials and buckets as a test wants them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

from dataplane.contracts import BucketRecord, Credential, Grant, Principal
from dataplane.errors import BucketAlreadyExists, BucketAlreadyOwnedByYou, BucketNotEmpty, NoSuchBucket

EVERYTHING = (Grant("*", "*"),)


class MemoryDirectory:
    """`occupied` holds ids of buckets that refuse to be deleted. `slow`: nothing is cached, every look-up awaits."""

    def __init__(self, *, slow: bool = False) -> None:
        self.slow = slow
        self.credentials: dict[str, Credential] = {}
        self.buckets: dict[str, BucketRecord] = {}
        self.occupied: set[int] = set()
        self.actors: list[str] = []
        self._ids = count(1)

    def add_app(
        self,
        access_key: str,
        secret_key: str,
        *,
        tenant_id: int = 1,
        tenant_name: str = "acme",
        app_name: str = "app",
        grants: tuple[Grant, ...] = EVERYTHING,
    ) -> Credential:
        principal = Principal(tenant_id, tenant_name, next(self._ids), app_name, access_key, grants)
        credential = self.credentials[access_key] = Credential(access_key, secret_key, principal)
        return credential

    def add_bucket(
        self,
        name: str,
        *,
        tenant_id: int = 1,
        tenant_name: str = "acme",
        region: str = "us-east-1",
        public_read: bool = False,
        object_lock: bool = False,
    ) -> BucketRecord:
        bucket = self.buckets[name] = BucketRecord(
            next(self._ids), name, tenant_id, tenant_name, region, datetime.now(UTC), public_read, object_lock
        )
        return bucket

    def cached_credential(self, access_key: str) -> Credential | None:
        return None if self.slow else self.credentials.get(access_key)

    async def credential(self, access_key: str) -> Credential | None:
        return self.credentials.get(access_key)

    def cached_bucket(self, name: str) -> BucketRecord | None:
        return None if self.slow else self.buckets.get(name)

    async def bucket(self, name: str) -> BucketRecord | None:
        return self.buckets.get(name)

    async def list_buckets(
        self, tenant_id: int, *, prefix: str = "", after: str = "", limit: int = 1000
    ) -> list[BucketRecord]:
        names = sorted(
            name
            for name, bucket in self.buckets.items()
            if bucket.tenant_id == tenant_id and name.startswith(prefix) and name > after
        )
        return [self.buckets[name] for name in names[:limit]]

    async def create_bucket(
        self, *, name: str, tenant_id: int, region: str, object_lock: bool, actor: str
    ) -> BucketRecord:
        existing = self.buckets.get(name)
        if existing is not None:
            raise (BucketAlreadyOwnedByYou if existing.tenant_id == tenant_id else BucketAlreadyExists)(name)
        self.actors.append(actor)
        tenant_name = next(
            (c.principal.tenant_name for c in self.credentials.values() if c.principal.tenant_id == tenant_id), "acme"
        )
        return self.add_bucket(
            name, tenant_id=tenant_id, tenant_name=tenant_name, region=region, object_lock=object_lock
        )

    async def delete_bucket(self, bucket: BucketRecord, *, actor: str) -> None:
        if bucket.name not in self.buckets:
            raise NoSuchBucket(bucket.name)
        if bucket.id in self.occupied:
            raise BucketNotEmpty(bucket.name)
        self.actors.append(actor)
        del self.buckets[bucket.name]

    async def set_public_read(self, bucket: BucketRecord, *, allowed: bool, actor: str) -> BucketRecord:
        self.actors.append(actor)
        changed = self.buckets[bucket.name] = replace(bucket, public_read=allowed)
        return changed
