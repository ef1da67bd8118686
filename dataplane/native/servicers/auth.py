"""`anvil.v1.AuthService`: an app's credential for a bearer token."""

from __future__ import annotations

import hmac
import logging
import secrets
from typing import Any

from dataplane.access.tokens import LIFETIME_SECONDS, granted_scopes, issue_token
from dataplane.clock import Clock
from dataplane.errors import InvalidCredential
from dataplane.native.v1 import auth_pb2, auth_pb2_grpc
from dataplane.ports import Directory

logger = logging.getLogger(__name__)

MAX_CREDENTIAL_CHARACTERS = 256
"""Longer than any client id or secret that was ever issued."""


class AuthServicer(auth_pb2_grpc.AuthServiceServicer):
    def __init__(self, directory: Directory, jwt_secret: str, clock: Clock) -> None:
        self._directory = directory
        self._jwt_secret = jwt_secret
        self._clock = clock

    async def GetAccessToken(
        self, request: auth_pb2.GetAccessTokenRequest, context: Any
    ) -> auth_pb2.GetAccessTokenResponse:
        client_id, client_secret = request.client_id, request.client_secret
        if max(len(client_id), len(client_secret)) > MAX_CREDENTIAL_CHARACTERS:
            raise InvalidCredential(client_id[:MAX_CREDENTIAL_CHARACTERS])
        credential = await self._directory.credential(client_id)
        # An unknown id is compared too, with something that cannot be sent: the time taken tells nothing.
        expected = secrets.token_hex() if credential is None else credential.secret_key
        if not hmac.compare_digest(expected.encode(), client_secret.encode()) or credential is None:
            logger.info("access token refused", extra={"access_key": client_id})
            raise InvalidCredential(client_id)
        principal = credential.principal
        scopes = granted_scopes(principal.grants, request.scopes)
        token_id = secrets.token_urlsafe(16)
        token = issue_token(self._jwt_secret, principal, scopes, now=self._clock.now(), token_id=token_id)
        logger.info(
            "access token issued",
            extra={"app_id": principal.app_id, "tenant_id": principal.tenant_id, "token_id": token_id},
        )
        return auth_pb2.GetAccessTokenResponse(access_token=token, expires_in=LIFETIME_SECONDS)
