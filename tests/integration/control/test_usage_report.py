"""The report of what buckets hold: names from one database, figures from the other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg

from anvil_site.node.usage_report import UsageReport
from anvil_site.usage_table import BucketFigures, TenantFigures, UsageTable, read_table
from control.models import Bucket, BucketPhase, Region, Tenant
from control.services import regions, tenants
from control.services.origin import Origin
from dataplane.metadata.pool import MetadataPool
from dataplane.metadata.usage_rows import UsageRows
from tests.integration.control.conftest import REGION
from tests.support.postgres import Databases


def report(databases: Databases, directory: Path) -> UsageTable:
    async def run() -> None:
        pool = MetadataPool(databases.regional_url, size=2)
        await pool.open()
        try:
            await UsageReport(UsageRows(pool), REGION, directory, buckets_at_once=2).run()
        finally:
            await pool.close()

    asyncio.run(run())
    return read_table(directory)


def hold(databases: Databases, bucket: Bucket, versions: int, size: int) -> None:
    with psycopg.connect(databases.regional_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO bucket_usage (bucket_id, versions, bytes) VALUES (%s, %s, %s)", [bucket.pk, versions, size]
        )


def test_buckets_of_the_region_stand_in_the_table_with_what_they_hold(
    control_databases: Databases, region: Region, tenant: Tenant, origin: Origin, tmp_path: Path
) -> None:
    globex = tenants.create("globex", origin=origin)
    abroad = regions.create("mars", origin=origin)

    def made(name: str, owner: Tenant, home: Region = region, state: str = BucketPhase.READY) -> Bucket:
        return Bucket.objects.create(name=name, tenant=owner, region=home, state=state)

    hold(control_databases, made("photos", tenant), 3, 300)
    hold(control_databases, made("films", tenant, state=BucketPhase.DELETING), 1, 5000)
    hold(control_databases, made("letters", globex), 2, 20)
    made("empty", globex)
    hold(control_databases, made("elsewhere", tenant, home=abroad), 9, 9)
    hold(control_databases, made("unborn", tenant, state=BucketPhase.CREATING), 9, 9)
    assert report(control_databases, tmp_path) == UsageTable(
        [
            BucketFigures("acme", "films", 5000, 1),
            BucketFigures("acme", "photos", 300, 3),
            BucketFigures("globex", "letters", 20, 2),
            BucketFigures("globex", "empty", 0, 0),
        ],
        [TenantFigures("acme", 5300), TenantFigures("globex", 20)],
    )

    Bucket.objects.filter(tenant=tenant).delete()
    assert [bucket.bucket for bucket in report(control_databases, tmp_path).buckets] == ["letters", "empty"]
