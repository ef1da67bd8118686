"""Who may use the REST API, and how it refuses."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from control.api.urls import router
from control.models import AdminUser
from control.services import admin_users
from tests.support.console import ORIGIN, PASSWORD

pytestmark = pytest.mark.django_db(databases=["default", "regional"])

LISTINGS = sorted(prefix for prefix, _, _ in router.registry)


@pytest.mark.parametrize("resource", LISTINGS)
def test_nothing_is_shown_to_a_stranger(resource: str) -> None:
    response = APIClient().get(f"/api/v1/{resource}/")
    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert "WWW-Authenticate" in response


@pytest.mark.parametrize("resource", LISTINGS)
def test_viewer_may_look(resource: str, viewer_client: APIClient) -> None:
    assert viewer_client.get(f"/api/v1/{resource}/").status_code == 200


@pytest.mark.parametrize("resource", LISTINGS)
def test_viewer_may_change_nothing(resource: str, viewer_client: APIClient) -> None:
    response = viewer_client.post(f"/api/v1/{resource}/", {"name": "acme"}, format="json")
    assert response.status_code == 403
    assert "ReadOnlyViewer" in response.json()["detail"]


def test_token_signs_in_and_ends_with_its_user(admin: AdminUser, viewer: AdminUser) -> None:
    cache.clear()
    given = APIClient().post("/api/v1/token/", {"username": "vic", "password": PASSWORD}, format="json")
    assert given.status_code == 200
    client = APIClient(headers={"Authorization": f"Token {given.json()['token']}"})
    assert client.get("/api/v1/tenants/").status_code == 200
    admin_users.update(viewer, is_active=False, origin=ORIGIN)
    assert client.get("/api/v1/tenants/").status_code == 401


def test_guessing_passwords_is_slowed_down(admin: AdminUser) -> None:
    cache.clear()
    client = APIClient()
    answers = [
        client.post("/api/v1/token/", {"username": "ada", "password": f"guess-{n}"}, format="json") for n in range(11)
    ]
    assert [answer.status_code for answer in answers[:10]] == [400] * 10
    assert answers[10].status_code == 429
    assert int(answers[10]["Retry-After"]) >= 1
    cache.clear()


def test_taken_name_is_a_conflict_with_a_stable_type(client: APIClient) -> None:
    client.post("/api/v1/tenants/", {"name": "acme"}, format="json")
    response = client.post("/api/v1/tenants/", {"name": "acme"}, format="json")
    assert response.status_code == 409
    problem = response.json()
    assert problem["type"] == "urn:anvil:problem:already-exists"
    assert "acme" in problem["detail"]
    assert problem["request_id"] == response["X-Request-Id"]


def test_missing_field_is_named(client: APIClient) -> None:
    response = client.post("/api/v1/tenants/", {}, format="json")
    assert response.status_code == 400
    assert list(response.json()["fields"]) == ["name"]


def test_last_super_admin_stays(client: APIClient) -> None:
    assert client.delete("/api/v1/users/ada/").status_code == 400
    assert client.get("/api/v1/users/ada/").status_code == 200


def test_schema_is_served_to_those_signed_in(client: APIClient) -> None:
    response = client.get("/api/v1/schema/")
    assert response.status_code == 200
    assert b"/api/v1/buckets/{name}/" in response.content
    assert client.get("/api/v1/docs/").status_code == 200
