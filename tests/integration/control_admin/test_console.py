"""What a person sees and can do in the admin console, page by page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from control.models import AdminUser, App, AuditEntry, Bucket, Credential, Grant, Region, Tenant
from control.services import apps, tenants
from control.services.credentials import IssuedCredential
from tests.support.console import KEY_RING, ORIGIN

pytestmark = pytest.mark.django_db(databases=["default", "regional"])

admin.autodiscover()
OURS = sorted((model._meta.model_name for model in admin.site._registry if model._meta.app_label == "control"), key=str)
ADDABLE = ["adminuser", "app", "bucket", "credential", "grant", "region", "tenant"]


def page(name: str, *args: object) -> str:
    return reverse(f"admin:control_{name}", args=args)


@pytest.fixture
def issued() -> IssuedCredential:
    return apps.create(tenants.create("acme", origin=ORIGIN), "web", key_ring=KEY_RING, origin=ORIGIN)


@pytest.mark.parametrize("model", OURS)
def test_every_listing_opens_for_admin_and_viewer(
    model: str, client: Client, viewer_client: Client, issued: IssuedCredential
) -> None:
    for reader in (client, viewer_client):
        assert reader.get(page(f"{model}_changelist")).status_code == 200


@pytest.mark.parametrize("model", ADDABLE)
def test_viewer_cannot_add(model: str, client: Client, viewer_client: Client) -> None:
    assert client.get(page(f"{model}_add")).status_code == 200
    assert viewer_client.get(page(f"{model}_add")).status_code == 403
    assert viewer_client.post(page(f"{model}_add"), {"name": "x"}).status_code == 403


def test_nobody_is_shown_the_tokens_of_others(client: Client, viewer_client: Client) -> None:
    assert "authtoken" not in {model._meta.app_label for model in admin.site._registry}
    for reader in (client, viewer_client):
        assert reader.get("/admin/authtoken/tokenproxy/").status_code == 404


def test_bare_address_leads_to_the_console(client: Client) -> None:
    assert client.get("/", follow=True).redirect_chain == [("/admin/", 302)]


def test_first_page_counts_and_tells_the_last_changes(client: Client, issued: IssuedCredential) -> None:
    text = client.get(reverse("admin:index")).content.decode()
    assert "Public buckets" in text
    assert "acme/web" in text


def test_tenant_added_changed_and_deleted_through_its_service(client: Client) -> None:
    client.post(page("tenant_add"), {"name": "acme", "bucket_limit": "5"})
    tenant = Tenant.objects.get(name="acme")
    client.post(page("tenant_change", tenant.pk), {"bucket_limit": "7"})  # an unchecked box: disabled
    tenant.refresh_from_db()
    assert (tenant.enabled, tenant.bucket_limit) == (False, 7)
    client.post(page("tenant_delete", tenant.pk), {"post": "yes"})
    assert not Tenant.objects.filter(name="acme").exists()
    actions = list(AuditEntry.objects.filter(target="acme").order_by("id").values_list("action", "actor"))
    assert actions == [(name, "user:ada") for name in ("tenant.create", "tenant.update", "tenant.delete")]


def test_refusal_stands_beside_what_was_typed(client: Client) -> None:
    tenants.create("acme", origin=ORIGIN)
    response = client.post(page("tenant_add"), {"name": "acme", "bucket_limit": "5"})
    assert response.status_code == 200
    text = response.content.decode()
    assert "acme" in text
    assert "already" in text
    assert Tenant.objects.count() == 1


def test_deleting_what_is_in_use_says_why(client: Client, issued: IssuedCredential) -> None:
    tenant = issued.credential.app.tenant
    response = client.post(page("tenant_delete", tenant.pk), {"post": "yes"}, follow=True)
    assert Tenant.objects.filter(pk=tenant.pk).exists()
    assert "acme" in response.content.decode()


def test_new_app_shows_its_secret_once(client: Client) -> None:
    tenant = tenants.create("acme", origin=ORIGIN)
    response = client.post(page("app_add"), {"tenant": tenant.pk, "name": "web"})
    secret = re.search(r'id="client-secret"[^>]*>([0-9a-f]{64})<', response.content.decode())
    assert secret is not None
    assert "no-store" in response["Cache-Control"]
    app = App.objects.get(name="web")
    for url in (page("app_change", app.pk), page("credential_change", app.credentials.get().pk)):
        assert secret.group(1) not in client.get(url).content.decode()


def test_secret_is_reset_by_a_confirmed_post_only(
    client: Client, viewer_client: Client, issued: IssuedCredential
) -> None:
    url = page("credential_reset_secret", issued.credential.pk)
    before = bytes(Credential.objects.get().sealed_secret)
    assert viewer_client.post(url).status_code == 403
    assert client.get(url).status_code == 200
    assert bytes(Credential.objects.get().sealed_secret) == before
    assert b"client-secret" in client.post(url).content
    assert bytes(Credential.objects.get().sealed_secret) != before


def test_grant_is_added_and_revoked(client: Client, issued: IssuedCredential) -> None:
    app = issued.credential.app
    client.post(page("grant_add"), {"app": app.pk, "action": "object:read", "resource": "photos/*"})
    grant = Grant.objects.get()
    assert client.post(page("grant_change", grant.pk), {"action": "*"}).status_code == 403
    client.post(page("grant_delete", grant.pk), {"post": "yes"})
    assert not Grant.objects.exists()


def test_bucket_lives_in_both_databases(client: Client, issued: IssuedCredential) -> None:
    from dataplane.metadata.models import BucketStateRow

    region = Region.objects.get(name="us-east-1")
    tenant = issued.credential.app.tenant
    client.post(page("bucket_add"), {"name": "photos-of-acme", "tenant": tenant.pk, "region": region.pk})
    bucket = Bucket.objects.get(name="photos-of-acme")
    assert bucket.state == "ready"
    client.post(page("bucket_change", bucket.pk), {"public_read": "on"})
    bucket.refresh_from_db()
    assert bucket.public_read is True
    client.post(page("bucket_delete", bucket.pk), {"post": "yes"})
    assert not Bucket.objects.filter(pk=bucket.pk).exists()
    assert BucketStateRow.objects.using("regional").get(bucket_id=bucket.pk).deleted is True


def cells(text: str) -> list[str]:
    """What a page shows, piece by piece."""
    return [piece.strip().replace("\xa0", " ") for piece in re.split(r"<[^>]*>", text) if piece.strip()]


def test_buckets_show_what_they_hold_asked_for_once(
    client: Client, issued: IssuedCredential, django_assert_num_queries: Any
) -> None:
    from dataplane.metadata.models import BucketUsageRow

    here = Region.objects.get(name="us-east-1")
    there = Region.objects.create(name="mars")
    tenant = issued.credential.app.tenant

    def made(name: str, region: Region = here, **held: int) -> Bucket:
        bucket = Bucket.objects.create(name=name, tenant=tenant, region=region, state="ready")
        if held:
            BucketUsageRow.objects.create(bucket_id=bucket.pk, **held)
        return bucket

    full = made("full", versions=4321, bytes=3 << 20)
    made("fresh")
    abroad = made("abroad", there, versions=8765, bytes=5 << 20)
    for number in range(10):
        made(f"more-{number}", versions=1, bytes=1)

    with django_assert_num_queries(1, using="regional"):
        shown = cells(client.get(page("bucket_changelist")).content.decode())
    assert shown[shown.index("full") :].index("4321") < shown[shown.index("full") :].index("3.0 MB")
    assert {"0", "0 bytes", "1 byte"} <= set(shown)
    assert not {"8765", "5.0 MB"} & set(shown)

    with django_assert_num_queries(1, using="regional"):
        shown = cells(client.get(page("bucket_change", full.pk)).content.decode())
    assert {"4321", "3.0 MB"} <= set(shown)
    assert not {"8765", "5.0 MB"} & set(cells(client.get(page("bucket_change", abroad.pk)).content.decode()))


def test_buckets_are_shown_without_what_they_hold_where_the_region_does_not_answer(
    client: Client, issued: IssuedCredential, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from dataplane.metadata.models import BucketUsageRow

    region, tenant = Region.objects.get(name="us-east-1"), issued.credential.app.tenant
    bucket = Bucket.objects.create(name="silent", tenant=tenant, region=region, state="ready")

    def refuse(*_: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(type(BucketUsageRow.objects), "in_bulk", refuse)
    for url in (page("bucket_changelist"), page("bucket_change", bucket.pk)):
        response = client.get(url)
        assert response.status_code == 200
        assert "silent" in response.content.decode()
    assert "does not answer" in caplog.text


def test_person_is_made_with_a_good_password_only(client: Client) -> None:
    form = {"username": "bob", "email": "", "role": "ReadOnlyViewer", "password": "short"}
    assert "too short" in client.post(page("adminuser_add"), form).content.decode()
    client.post(page("adminuser_add"), {**form, "password": "a-much-longer-phrase"})
    bob = AdminUser.objects.get(username="bob")
    assert bob.check_password("a-much-longer-phrase")
    client.post(
        page("adminuser_change", bob.pk),
        {"email": "", "role": "ReadOnlyViewer", "is_active": "on", "new_password": "yet-another-phrase"},
    )
    bob.refresh_from_db()
    assert bob.check_password("yet-another-phrase")


def test_audit_cannot_be_changed(client: Client, issued: IssuedCredential) -> None:
    entry = AuditEntry.objects.latest("id")
    assert client.get(page("auditentry_change", entry.pk)).status_code == 200
    assert client.post(page("auditentry_change", entry.pk), {"actor": "nobody"}).status_code == 403
    assert client.post(page("auditentry_delete", entry.pk), {"post": "yes"}).status_code == 403
    entry.refresh_from_db()
    assert entry.actor == ORIGIN.actor
