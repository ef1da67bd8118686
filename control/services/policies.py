"""Grants: what an app may do. Both directions reach every worker within a second."""

from __future__ import annotations

from django.db import transaction

from control.models import App, Grant
from control.naming import validate_action, validate_resource
from control.services import audit
from control.services.announcements import Changed, announce
from control.services.origin import Origin
from dataplane.errors import NoSuchResource, QuotaExceeded

GRANTS_PER_APP_LIMIT = 1_000
"""All of an app's grants ride in its principal and are looked through at each decision."""


def grant(app: App, *, action: str, resource: str, origin: Origin) -> tuple[Grant, bool]:
    """The grant, and whether it is new: granting twice is no error."""
    validate_action(action)
    validate_resource(resource)
    with transaction.atomic():
        owner = _locked(app)
        row = owner.grants.filter(action=action, resource=resource).first()
        if row is not None:
            return row, False
        if owner.grants.count() >= GRANTS_PER_APP_LIMIT:
            raise QuotaExceeded("The number of grants of an app", GRANTS_PER_APP_LIMIT)
        row = Grant.objects.create(app=owner, action=action, resource=resource)
        _record(origin, "policy.grant", owner, after={"action": action, "resource": resource})
        announce(Changed.APP, owner.pk)
    return row, True


def revoke(app: App, *, action: str, resource: str, origin: Origin) -> None:
    """Raises `NoSuchResource` where exactly this grant does not exist."""
    with transaction.atomic():
        owner = _locked(app)
        deleted, _ = owner.grants.filter(action=action, resource=resource).delete()
        if not deleted:
            raise NoSuchResource("grant", f"{action} on {resource} of {owner.tenant.name}/{owner.name}")
        _record(origin, "policy.revoke", owner, before={"action": action, "resource": resource})
        announce(Changed.APP, owner.pk)


def _locked(app: App) -> App:
    row = App.objects.select_for_update(of=("self",)).select_related("tenant").filter(pk=app.pk).first()
    if row is None:
        raise NoSuchResource("app", app.name)
    return row


def _record(origin: Origin, action: str, app: App, **states: dict[str, object]) -> None:
    audit.record(origin, action, f"{app.tenant.name}/{app.name}", tenant=app.tenant.name, **states)
