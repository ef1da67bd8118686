"""Apps: making (with a first credential), switching off and on, resetting the secret, deleting."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from control.models import App, Tenant
from control.naming import validate_name
from control.services import audit, credentials
from control.services.announcements import Changed, announce
from control.services.constraints import broken_constraint
from control.services.credentials import IssuedCredential
from control.services.origin import Origin
from dataplane.crypto.keys import KeyRing
from dataplane.errors import AlreadyExists, InvalidArgument, NoSuchResource

_AUDITED = ("name", "enabled")


def create(
    tenant: Tenant,
    name: str,
    *,
    key_ring: KeyRing,
    origin: Origin,
    access_key: str | None = None,
    secret_key: str | None = None,
) -> IssuedCredential:
    """A new app, without any right, and its first credential (`.credential.app` is the app)."""
    validate_name(name, argument="app name")
    try:
        with transaction.atomic():
            # Locked, so that the tenant cannot vanish between its lookup and the app's foreign key.
            owner = Tenant.objects.select_for_update(no_key=True).filter(pk=tenant.pk).first()
            if owner is None:
                raise NoSuchResource("tenant", tenant.name)
            app = App.objects.create(tenant=owner, name=name)
            _record(origin, "app.create", app, after=audit.snapshot(app, *_AUDITED))
            return credentials.issue(
                app, key_ring=key_ring, origin=origin, access_key=access_key, secret_key=secret_key
            )
    except IntegrityError as error:
        if broken_constraint(error) == "app_tenant_name_unique":
            raise AlreadyExists("app", f"{tenant.name}/{name}") from error
        raise


def set_enabled(app: App, *, enabled: bool, origin: Origin) -> App:
    with transaction.atomic():
        row = _locked(app)
        if row.enabled != enabled:
            before = audit.snapshot(row, *_AUDITED)
            row.enabled = enabled
            row.save(update_fields=["enabled"])
            _record(origin, "app.update", row, before=before, after=audit.snapshot(row, *_AUDITED))
            announce(Changed.APP, row.pk)
    return row


def reset_secret(app: App, *, key_ring: KeyRing, origin: Origin, access_key: str | None = None) -> IssuedCredential:
    """Resets the app's only credential, or the one named where it has several."""
    found = list(app.credentials.select_related("app__tenant").order_by("pk"))
    if access_key is not None:
        found = [credential for credential in found if credential.access_key == access_key]
    if not found:
        raise NoSuchResource("credential", access_key or f"of the app {app.name}")
    if len(found) > 1:
        keys = ", ".join(credential.access_key for credential in found)
        raise InvalidArgument("client id", "", f"the app {app.name!r} has several credentials; name one of {keys}.")
    return credentials.reset_secret(found[0], key_ring=key_ring, origin=origin)


def delete(app: App, *, origin: Origin) -> None:
    """Takes its credentials and grants along: they are refused everywhere within a second."""
    with transaction.atomic():
        row = _locked(app)
        grants = [str(grant) for grant in row.grants.all()]
        access_keys = [credential.access_key for credential in row.credentials.all()]
        before = {**audit.snapshot(row, *_AUDITED), "access_keys": access_keys, "grants": grants}
        _record(origin, "app.delete", row, before=before)
        announce(Changed.APP, row.pk)
        row.delete()


def _locked(app: App) -> App:
    row = App.objects.select_for_update(of=("self",)).select_related("tenant").filter(pk=app.pk).first()
    if row is None:
        raise NoSuchResource("app", app.name)
    return row


def _record(origin: Origin, action: str, app: App, **states: dict[str, object]) -> None:
    audit.record(origin, action, f"{app.tenant.name}/{app.name}", tenant=app.tenant.name, **states)
