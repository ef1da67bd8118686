"""What an administrator's program sees of `/api/v1/`."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from control.models import AuditEntry, Bucket, Credential

pytestmark = pytest.mark.django_db(databases=["default", "regional"])


def made(client: APIClient, path: str, **fields: object) -> dict[str, object]:
    response = client.post(f"/api/v1/{path}/", fields, format="json")
    assert response.status_code == 201, response.content
    return response.json()


def test_tenant_is_made_changed_and_deleted(client: APIClient) -> None:
    tenant = made(client, "tenants", name="acme")
    assert tenant["enabled"] is True
    changed = client.patch("/api/v1/tenants/acme/", {"enabled": False, "bucket_limit": 3}, format="json")
    assert changed.status_code == 200
    assert (changed.json()["enabled"], changed.json()["bucket_limit"]) == (False, 3)
    assert client.delete("/api/v1/tenants/acme/").status_code == 204
    assert client.get("/api/v1/tenants/acme/").status_code == 404


def test_name_of_a_tenant_cannot_be_changed(client: APIClient) -> None:
    made(client, "tenants", name="acme")
    assert client.patch("/api/v1/tenants/acme/", {"name": "other"}, format="json").json()["name"] == "acme"


def test_app_shows_its_secret_once(client: APIClient) -> None:
    made(client, "tenants", name="acme")
    issued = made(client, "apps", tenant="acme", name="web")
    assert set(issued) == {"app_id", "client_id", "client_secret"}
    listing = client.get("/api/v1/credentials/").content.decode()
    assert str(issued["client_id"]) in listing
    assert str(issued["client_secret"]) not in listing
    row = Credential.objects.get(access_key=issued["client_id"])
    assert str(issued["client_secret"]).encode() not in bytes(row.sealed_secret)
    for entry in AuditEntry.objects.all():
        assert str(issued["client_secret"]) not in str((entry.before, entry.after))


def test_reset_secret_gives_a_new_one_under_the_same_id(client: APIClient) -> None:
    made(client, "tenants", name="acme")
    issued = made(client, "apps", tenant="acme", name="web")
    again = client.post(f"/api/v1/apps/{issued['app_id']}/reset-secret/")
    assert again.status_code == 200
    assert again.json()["client_id"] == issued["client_id"]
    assert again.json()["client_secret"] != issued["client_secret"]


def test_credential_is_issued_disabled_and_deleted(client: APIClient) -> None:
    made(client, "tenants", name="acme")
    app_id = made(client, "apps", tenant="acme", name="web")["app_id"]
    second = made(client, "credentials", app=app_id)["client_id"]
    off = client.patch(f"/api/v1/credentials/{second}/", {"enabled": False}, format="json")
    assert off.json()["enabled"] is False
    assert client.delete(f"/api/v1/credentials/{second}/").status_code == 204
    assert client.get(f"/api/v1/credentials/?app={app_id}").json()["results"][0]["access_key"] != second


def test_policy_is_granted_listed_and_revoked(client: APIClient) -> None:
    made(client, "tenants", name="acme")
    app_id = made(client, "apps", tenant="acme", name="web")["app_id"]
    grant = made(client, "policies", app=app_id, action="object:read", resource="photos/*")
    assert made(client, "policies", app=app_id, action="object:read", resource="photos/*")["id"] == grant["id"]
    assert client.get("/api/v1/policies/?app__tenant__name=acme").json()["results"][0]["action"] == "object:read"
    assert client.delete(f"/api/v1/policies/{grant['id']}/").status_code == 204
    assert client.get("/api/v1/policies/").json()["results"] == []


def test_unknown_action_is_refused_with_its_name(client: APIClient) -> None:
    made(client, "tenants", name="acme")
    app_id = made(client, "apps", tenant="acme", name="web")["app_id"]
    response = client.post("/api/v1/policies/", {"app": app_id, "action": "object:fly", "resource": "*"}, format="json")
    assert response.status_code == 400
    assert "object:fly" in response.json()["detail"]


def test_bucket_is_made_opened_and_deleted_in_both_databases(client: APIClient) -> None:
    from dataplane.metadata.models import BucketStateRow

    made(client, "tenants", name="acme")
    bucket = made(client, "buckets", name="photos-of-acme", tenant="acme", region="us-east-1")
    assert bucket["state"] == "ready"
    assert BucketStateRow.objects.using("regional").get(bucket_id=bucket["id"]).deleted is False
    opened = client.patch("/api/v1/buckets/photos-of-acme/", {"public_read": True}, format="json")
    assert opened.json()["public_read"] is True
    assert client.delete("/api/v1/buckets/photos-of-acme/").status_code == 204
    assert BucketStateRow.objects.using("regional").get(bucket_id=bucket["id"]).deleted is True
    assert not Bucket.objects.filter(name="photos-of-acme").exists()


def test_regions_and_users(client: APIClient) -> None:
    made(client, "regions", name="eu-west-1")
    assert [row["name"] for row in client.get("/api/v1/regions/").json()["results"]] == ["us-east-1", "eu-west-1"]
    assert client.delete("/api/v1/regions/eu-west-1/").status_code == 204
    user = made(client, "users", username="bob", password="long-enough-phrase", role="ReadOnlyViewer")
    assert "password" not in user
    assert client.patch("/api/v1/users/bob/", {"role": "SuperAdmin"}, format="json").json()["role"] == "SuperAdmin"
    new = client.post("/api/v1/users/bob/set-password/", {"password": "another-long-phrase"}, format="json")
    assert new.status_code == 204
    assert client.delete("/api/v1/users/bob/").status_code == 204


def test_listings_are_paged_by_cursor(client: APIClient) -> None:
    for number in range(5):
        made(client, "tenants", name=f"tenant-{number}")
    first = client.get("/api/v1/tenants/?page_size=2").json()
    assert [row["name"] for row in first["results"]] == ["tenant-0", "tenant-1"]
    second = client.get(first["next"]).json()
    assert [row["name"] for row in second["results"]] == ["tenant-2", "tenant-3"]


def test_every_write_leaves_an_audit_row_with_actor_reason_and_request_id(client: APIClient) -> None:
    client.post(
        "/api/v1/tenants/",
        {"name": "acme"},
        format="json",
        headers={"X-Anvil-Reason": "ticket 42", "X-Request-Id": "abc-1"},
    )
    entry = client.get("/api/v1/audit/?action=tenant.create").json()["results"][0]
    assert entry["actor"] == "user:ada"
    assert entry["reason"] == "ticket 42"
    assert entry["request_id"] == "abc-1"
    assert entry["after"]["name"] == "acme"
