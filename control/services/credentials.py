"""Credentials: issuing, replacing the secret, switching off and on, deleting.

The clear secret exists in the value returned here, once, and nowhere else: not in the audit trail, not in a log.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models.functions import Now

from control.models import App, Credential
from control.services import audit
from control.services.announcements import Changed, announce
from control.services.origin import Origin
from dataplane.crypto.keys import KeyRing
from dataplane.errors import NoSuchResource, QuotaExceeded

CREDENTIALS_PER_APP_LIMIT = 10
"""Two are needed to rotate without an interruption; more serve hosts with keys of their own."""

_AUDITED = ("access_key", "enabled", "key_id")


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """A credential with its secret in clear, to be shown once. Client id and access key are the same."""

    credential: Credential
    access_key: str
    secret_key: str = field(repr=False)


def new_access_key() -> str:
    return "app_" + secrets.token_hex(16)


def new_secret_key() -> str:
    """Hexadecimal, so that no shell, URL or configuration file needs quoting."""
    return secrets.token_hex(32)


def issue(
    app: App,
    *,
    key_ring: KeyRing,
    origin: Origin,
    access_key: str | None = None,
    secret_key: str | None = None,
) -> IssuedCredential:
    """Another credential for the app. The keys are generated unless a first start brings its own."""
    access_key = access_key or new_access_key()
    secret_key = secret_key or new_secret_key()
    key_id, sealed = key_ring.seal(secret_key.encode(), _context(access_key))
    with transaction.atomic():
        owner = App.objects.select_for_update().select_related("tenant").filter(pk=app.pk).first()
        if owner is None:
            raise NoSuchResource("app", app.name)
        if owner.credentials.count() >= CREDENTIALS_PER_APP_LIMIT:
            raise QuotaExceeded("The number of credentials of an app", CREDENTIALS_PER_APP_LIMIT)
        credential = Credential.objects.create(app=owner, access_key=access_key, key_id=key_id, sealed_secret=sealed)
        _record(origin, "credential.create", credential, after=audit.snapshot(credential, *_AUDITED))
        announce(Changed.CREDENTIAL, access_key)
    return IssuedCredential(credential, access_key, secret_key)


def reset_secret(credential: Credential, *, key_ring: KeyRing, origin: Origin) -> IssuedCredential:
    """A new secret under the same access key; the old one is refused everywhere within a second."""
    secret_key = new_secret_key()
    with transaction.atomic():
        row = _locked(credential)
        before = audit.snapshot(row, *_AUDITED)
        row.key_id, row.sealed_secret = key_ring.seal(secret_key.encode(), _context(row.access_key))
        row.rotated_at = Now()
        row.save(update_fields=["key_id", "sealed_secret", "rotated_at"])
        row.refresh_from_db(fields=["rotated_at"])
        _record(origin, "credential.reset_secret", row, before=before, after=audit.snapshot(row, *_AUDITED))
        announce(Changed.CREDENTIAL, row.access_key)
    return IssuedCredential(row, row.access_key, secret_key)


def set_enabled(credential: Credential, *, enabled: bool, origin: Origin) -> Credential:
    with transaction.atomic():
        row = _locked(credential)
        if row.enabled != enabled:
            before = audit.snapshot(row, *_AUDITED)
            row.enabled = enabled
            row.save(update_fields=["enabled"])
            _record(origin, "credential.update", row, before=before, after=audit.snapshot(row, *_AUDITED))
            announce(Changed.CREDENTIAL, row.access_key)
    return row


def delete(credential: Credential, *, origin: Origin) -> None:
    with transaction.atomic():
        row = _locked(credential)
        _record(origin, "credential.delete", row, before=audit.snapshot(row, *_AUDITED))
        announce(Changed.CREDENTIAL, row.access_key)
        row.delete()


def open_secret(credential: Credential, *, key_ring: KeyRing) -> str:
    """The clear secret, for verifying signatures. Raises `EncryptionKeyMissing` or `BrokenSeal`."""
    sealed = bytes(credential.sealed_secret)
    return key_ring.open(credential.key_id, sealed, _context(credential.access_key)).decode()


def _context(access_key: str) -> str:
    """Binds a sealed secret to its row: swapped between rows, it does not open."""
    return f"credential:{access_key}"


def _locked(credential: Credential) -> Credential:
    row = (
        Credential.objects.select_for_update(of=("self",))
        .select_related("app__tenant")
        .filter(pk=credential.pk)
        .first()
    )
    if row is None:
        raise NoSuchResource("credential", credential.access_key)
    return row


def _record(origin: Origin, action: str, credential: Credential, **states: dict[str, object]) -> None:
    app = credential.app
    target = f"{app.tenant.name}/{app.name}/{credential.access_key}"
    audit.record(origin, action, target, tenant=app.tenant.name, **states)
