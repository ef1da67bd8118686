"""Access tokens: what they carry, what they never do, and how scopes are cut to grants."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from dataplane.access.tokens import (
    LIFETIME_SECONDS,
    MAX_SCOPES,
    cut_to_grants,
    granted_scopes,
    issue_token,
    parse_scope,
    verify_token,
    write_scope,
)
from dataplane.contracts import Grant, Principal
from dataplane.errors import AccessDenied, InvalidArgument, InvalidToken

SECRET = "a secret of more than thirty-two bytes"
NOW = datetime(2026, 5, 24, 12, 0, 0, 500_000, tzinfo=UTC)
PHOTOS = Grant("object:*", "photos/*")
LISTS = Grant("bucket:list", "*")
PRINCIPAL = Principal(7, "tenant", 42, "app", "AKID", (PHOTOS, LISTS))


def token(*scopes: Grant) -> str:
    return issue_token(SECRET, PRINCIPAL, scopes or (PHOTOS,), now=NOW, token_id="id-1")


def test_claims() -> None:
    claims = jwt.decode(token(PHOTOS, LISTS), SECRET, algorithms=["HS256"], options={"verify_exp": False})
    issued = int(NOW.timestamp())
    assert claims == {
        "sub": "42",
        "tenant_id": 7,
        "scopes": ["object:*|photos/*", "bucket:list|*"],
        "iat": issued,
        "exp": issued + 3600,
        "jti": "id-1",
    }


def test_a_token_is_accepted_until_it_expires() -> None:
    verified = verify_token(SECRET, token(), now=NOW + timedelta(seconds=LIFETIME_SECONDS - 1))
    assert (verified.app_id, verified.tenant_id, verified.id, verified.scopes) == (42, 7, "id-1", (PHOTOS,))
    with pytest.raises(InvalidToken, match="expired"):
        verify_token(SECRET, token(), now=NOW + timedelta(seconds=LIFETIME_SECONDS))


def _unsigned(claims: dict[str, object]) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}."


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "a.b.c",
        token()[:-2] + ("AA" if not token().endswith("AA") else "BB"),
        jwt.encode({"sub": "42"}, SECRET, algorithm="HS256"),
        jwt.encode({"sub": "1", "exp": 9**12, "iat": 1, "jti": "x"}, SECRET, algorithm="HS256"),
        jwt.encode(
            {"sub": "x", "exp": 9**12, "iat": 1, "jti": "x", "tenant_id": 1, "scopes": []}, SECRET, algorithm="HS256"
        ),
        jwt.encode(
            {"sub": "1", "exp": 9**12, "iat": 1, "jti": "x", "tenant_id": 1, "scopes": ["all"]},
            SECRET,
            algorithm="HS256",
        ),
        jwt.encode(
            {"sub": "1", "exp": 9**12, "iat": 1, "jti": "x", "tenant_id": 1, "scopes": 5}, SECRET, algorithm="HS256"
        ),
        jwt.encode({"sub": "1"}, SECRET * 2, algorithm="HS512"),
        _unsigned({"sub": "1", "exp": 9**12, "iat": 1, "jti": "x", "tenant_id": 1, "scopes": ["*|*"]}),
        "x" * 10_000,
    ],
)
def test_what_is_not_our_token(wrong: str) -> None:
    with pytest.raises(InvalidToken):
        verify_token(SECRET, wrong, now=NOW)


def test_another_nodes_secret_must_be_the_same() -> None:
    with pytest.raises(InvalidToken):
        verify_token(SECRET + "x", token(), now=NOW)


@pytest.mark.parametrize("wanted", [[], ["*"]])
def test_everything_is_what_is_granted(wanted: list[str]) -> None:
    assert granted_scopes(PRINCIPAL.grants, wanted) == (PHOTOS, LISTS)


@pytest.mark.parametrize(
    ("wanted", "allowed"),
    [
        (["object:read|photos/a.jpg"], ["object:read|photos/a.jpg"]),
        (["object:read|photos/*"], ["object:read|photos/*"]),
        (["object:*|*"], ["object:*|photos/*"]),
        (["*|*"], ["object:*|photos/*", "bucket:list|*"]),
        (["bucket:list|music", "object:read|music/*"], ["bucket:list|music"]),
        (["object:read|photos/a|b"], ["object:read|photos/a|b"]),
        (["object:read|photos/*", "object:read|photos/*"], ["object:read|photos/*"]),
    ],
)
def test_scopes_are_cut_to_grants(wanted: list[str], allowed: list[str]) -> None:
    assert [write_scope(grant) for grant in granted_scopes(PRINCIPAL.grants, wanted)] == allowed


@pytest.mark.parametrize("wanted", [["object:read|music/*"], ["bucket:create|*"], ["policy:grant|*"]])
def test_nothing_left_is_denied(wanted: list[str]) -> None:
    with pytest.raises(AccessDenied):
        granted_scopes(PRINCIPAL.grants, wanted)


def test_an_app_without_grants_gets_nothing() -> None:
    with pytest.raises(AccessDenied):
        granted_scopes((), [])


@pytest.mark.parametrize(
    "scope", ["", "*", "object:read", "object:read|", "|photos", "objects|x", "a:b|x", "*|" + "x" * 2000]
)
def test_scopes_that_mean_nothing(scope: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_scope(scope)


def test_too_many_scopes() -> None:
    with pytest.raises(InvalidArgument):
        granted_scopes(PRINCIPAL.grants, ["object:read|photos/*"] * (MAX_SCOPES + 1))


def test_a_token_too_large_to_send_is_not_issued() -> None:
    grants = [Grant("object:read", f"bucket-{number}/{'k' * 100}") for number in range(100)]
    with pytest.raises(InvalidArgument, match="ask for the scopes you need"):
        token(*grants)


def test_a_token_shrinks_with_the_grants() -> None:
    """What whoever accepts a token does with it: a grant that was revoked since is gone from it."""
    scopes = verify_token(SECRET, token(PHOTOS, LISTS), now=NOW).scopes
    assert cut_to_grants(scopes, (LISTS,)) == (LISTS,)
