"""The global schema: migrations are complete, constraints hold in PostgreSQL itself, names are ours."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db import DataError, IntegrityError, connection, models

import control.models
from control.models import Bucket, OutboxEntry, OutboxKind, Region, Store, Tenant
from control.services.nodes import register_node
from control.services.origin import Origin

pytestmark = pytest.mark.usefixtures("control_databases")


def test_every_model_has_its_migration() -> None:
    call_command("makemigrations", "control", check=True, dry_run=True, verbosity=0)


def test_tables_of_control_are_in_the_global_database_only() -> None:
    tables = set(connection.introspection.table_names())
    expected = {
        model._meta.db_table
        for model in vars(control.models).values()
        if isinstance(model, type) and issubclass(model, models.Model)
    }
    assert expected <= tables
    assert not tables & {"object_version", "blob", "bucket_state"}


def test_what_was_declared_unique_or_checked_has_a_name_of_ours() -> None:
    """A name that Django made up could not be recognised when a write is refused."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid "
            "WHERE relname LIKE 'control\\_%' AND relname NOT LIKE 'control\\_adminuser%' AND contype IN ('u', 'c') "
        )
        names = [row[0] for row in cursor.fetchall()]
    made_up = [name for name in names if re.search(r"_[0-9a-f]{8}(_uniq|_check)?$", name)]
    # PositiveSmallIntegerField and friends bring a check of their own.
    assert [name for name in made_up if not name.endswith("_check")] == []
    assert {"bucket_name_unique", "credential_access_key_unique", "store_region_number_unique"} <= set(names)


def test_postgresql_itself_refuses_what_may_not_be(region: Region, tenant: Tenant, origin: Origin) -> None:
    node = register_node("node-1", region=region.name, origin=origin)
    Bucket.objects.create(name="photos", tenant=tenant, region=region)
    refused: list[tuple[str, Callable[[], object]]] = [
        ("bucket_state_known", lambda: Bucket.objects.update(state="unheard-of")),
        ("bucket_name_unique", lambda: Bucket.objects.create(name="photos", tenant=tenant, region=region)),
        (
            "store_weight_positive",
            lambda: Store.objects.create(store_id="s", region=region, number=9, node=node, weight=0),
        ),
        (
            "outbox_kind_known",
            lambda: OutboxEntry.objects.create(
                kind="unheard-of", bucket=Bucket.objects.get(), actor="x", available_at=region.created_at
            ),
        ),
    ]
    for constraint, write in refused:
        with pytest.raises(IntegrityError, match=constraint):
            write()
    with pytest.raises((IntegrityError, DataError)):
        Store.objects.create(store_id="s", region=region, number=40_000, node=node)


def test_an_outbox_entry_goes_with_its_bucket(region: Region, tenant: Tenant) -> None:
    bucket = Bucket.objects.create(name="photos", tenant=tenant, region=region)
    OutboxEntry.objects.create(kind=OutboxKind.ENSURE_BUCKET, bucket=bucket, actor="x", available_at=region.created_at)
    bucket.delete()
    assert not OutboxEntry.objects.exists()


def test_a_tenants_page_of_buckets_needs_no_sort(region: Region, tenant: Tenant) -> None:
    Bucket.objects.bulk_create(
        Bucket(name=f"bucket-{number:05}", tenant=tenant, region=region) for number in range(3_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE control_bucket")
    page = Bucket.objects.filter(tenant=tenant, name__startswith="bucket-0", name__gt="bucket-00500")
    plan = page.order_by("name")[:100].explain()
    assert "Sort" not in plan
    assert "Index" in plan


def test_the_regional_half_is_reachable_by_no_foreign_key() -> None:
    for model in vars(control.models).values():
        if isinstance(model, type) and issubclass(model, models.Model):
            for field in model._meta.get_fields():
                if isinstance(field, models.ForeignKey):
                    assert field.related_model._meta.app_label != "metadata"


def test_creation_times_come_from_the_database(origin: Origin) -> None:
    region = Region.objects.create(name="eu-west-1")
    assert region.created_at.tzinfo is not None
