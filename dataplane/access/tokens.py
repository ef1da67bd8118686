"""Access tokens of the native API: what is in one, how scopes are cut to an app's grants. Pure: the caller brings
the time, the id and the secret.

A token is a JWT, HS256. It carries the rights that were granted when it was made; whoever accepts one cuts them again
to the grants the app has then (`cut_to_grants`), so that revoking a grant works at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt

from dataplane.access.actions import EVERYTHING
from dataplane.access.grants import action_is_known, intersect
from dataplane.contracts import Grant, Principal
from dataplane.errors import AccessDenied, InvalidArgument, InvalidToken

LIFETIME_SECONDS = 3600
ALGORITHM = "HS256"
SCOPE_SEPARATOR = "|"
"""Not part of any action, so the first one in a scope ends the action; a resource may hold more of them."""
MAX_SCOPES = 256
MAX_SCOPE_CHARACTERS = 1200
"""An action, a bucket name and the longest key."""
MAX_TOKEN_BYTES = 8 * 1024
"""A token travels in a header of every call, and heads are bounded."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The verified claims of a token."""

    id: str
    app_id: int
    tenant_id: int
    scopes: tuple[Grant, ...]
    expires_epoch_seconds: int


def write_scope(grant: Grant) -> str:
    return f"{grant.action}{SCOPE_SEPARATOR}{grant.resource}"


def parse_scope(scope: str) -> Grant:
    action, separator, resource = scope.partition(SCOPE_SEPARATOR)
    if not separator or not resource or len(scope) > MAX_SCOPE_CHARACTERS:
        raise InvalidArgument("scope", scope[:100], "a scope is written action|resource")
    if not action_is_known(action):
        raise InvalidArgument("scope", scope[:100], f"there is no action {action!r}")
    return Grant(action, resource)


def granted_scopes(held: Sequence[Grant], wanted: Sequence[str]) -> tuple[Grant, ...]:
    """What of `wanted` the grants `held` allow; nothing wanted, or `["*"]`, is all of them.

    Raises `AccessDenied` where nothing is left, `InvalidArgument` for a scope that means nothing.
    """
    if len(wanted) > MAX_SCOPES:
        raise InvalidArgument("scopes", len(wanted), f"at most {MAX_SCOPES} are allowed")
    everything = not wanted or list(wanted) == [EVERYTHING]
    allowed = tuple(held) if everything else cut_to_grants([parse_scope(scope) for scope in wanted], held)
    if not allowed:
        raise AccessDenied("None of the scopes asked for is granted to this app.")
    return allowed


def cut_to_grants(wanted: Sequence[Grant], held: Sequence[Grant]) -> tuple[Grant, ...]:
    """Every right that a wanted and a held grant both give, each once."""
    both = (intersect(one, other) for one in wanted for other in held)
    return tuple(dict.fromkeys(grant for grant in both if grant is not None))


def issue_token(secret: str, principal: Principal, scopes: Sequence[Grant], *, now: datetime, token_id: str) -> str:
    """Raises `InvalidArgument` where the scopes make a token too large to send along."""
    issued = int(now.timestamp())
    claims = {
        "sub": str(principal.app_id),
        "tenant_id": principal.tenant_id,
        "scopes": [write_scope(grant) for grant in scopes],
        "iat": issued,
        "exp": issued + LIFETIME_SECONDS,
        "jti": token_id,
    }
    token = jwt.encode(claims, secret, algorithm=ALGORITHM)
    if len(token) > MAX_TOKEN_BYTES:
        reason = f"the token would have {len(token)} bytes, at most {MAX_TOKEN_BYTES}: ask for the scopes you need"
        raise InvalidArgument("scopes", len(scopes), reason)
    return token


def verify_token(secret: str, token: str, *, now: datetime) -> AccessToken:
    """Raises `InvalidToken`. Signature, expiry and shape; the app may be gone or have lost grants since."""
    if len(token) > MAX_TOKEN_BYTES:
        raise InvalidToken(f"it has {len(token)} bytes, at most {MAX_TOKEN_BYTES} are allowed")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            options={"require": ["sub", "exp", "iat", "jti"], "verify_exp": False, "verify_iat": False},
        )
    except jwt.InvalidTokenError as error:
        raise InvalidToken("it is not a token of this store") from error
    try:
        verified = AccessToken(
            id=str(claims["jti"]),
            app_id=int(claims["sub"]),
            tenant_id=int(claims["tenant_id"]),
            scopes=tuple(parse_scope(scope) for scope in claims["scopes"]),
            expires_epoch_seconds=int(claims["exp"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, InvalidArgument) as error:
        raise InvalidToken("its claims are not those of a token of this store") from error
    if verified.expires_epoch_seconds <= now.timestamp():
        raise InvalidToken("it has expired; get a new one")
    return verified
