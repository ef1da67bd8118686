"""People of the console and the REST API: making, changing, deleting. The last active super admin stays."""

from __future__ import annotations

from typing import NoReturn

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from control.models import AdminUser, Role
from control.services import audit
from control.services.constraints import broken_constraint
from control.services.origin import Origin
from dataplane.errors import AlreadyExists, InvalidArgument, NoSuchResource

_AUDITED = ("username", "email", "role", "is_active")


def create(username: str, *, password: str, role: Role, origin: Origin, email: str = "") -> AdminUser:
    user = AdminUser(username=username, email=email, role=role)
    _validate_password(password, user)
    user.set_password(password)
    _validate_fields(user)
    try:
        with transaction.atomic():
            user.save()
            audit.record(origin, "user.create", username, after=audit.snapshot(user, *_AUDITED))
    except IntegrityError as error:
        if "username" in (broken_constraint(error) or ""):
            raise AlreadyExists("user", username) from error
        raise
    return user


def update(
    user: AdminUser,
    *,
    origin: Origin,
    role: Role | None = None,
    email: str | None = None,
    is_active: bool | None = None,
) -> AdminUser:
    with transaction.atomic():
        row, is_last = _locked(user)
        before = audit.snapshot(row, *_AUDITED)
        if role is not None:
            row.role = role
        if email is not None:
            row.email = email
        if is_active is not None:
            row.is_active = is_active
        if is_last and not _is_active_super_admin(row):
            _refuse_last(row)
        _validate_fields(row)
        after = audit.snapshot(row, *_AUDITED)
        if after != before:
            row.save()
            audit.record(origin, "user.update", row.username, before=before, after=after)
    return row


def set_password(user: AdminUser, *, password: str, origin: Origin) -> AdminUser:
    """Ends the user's sessions, as Django binds them to the password's hash."""
    with transaction.atomic():
        row, _ = _locked(user)
        _validate_password(password, row)
        row.set_password(password)
        row.save(update_fields=["password"])
        audit.record(origin, "user.set_password", row.username)
    return row


def delete(user: AdminUser, *, origin: Origin) -> None:
    with transaction.atomic():
        row, is_last = _locked(user)
        if is_last:
            _refuse_last(row)
        before = audit.snapshot(row, *_AUDITED)
        row.delete()
        audit.record(origin, "user.delete", user.username, before=before)


def _locked(user: AdminUser) -> tuple[AdminUser, bool]:
    """The row, and whether it is the only active super admin.

    All super admins are locked with it, in one order: two who remove each other at once cannot both succeed.
    """
    wanted = models.Q(pk=user.pk) | models.Q(role=Role.SUPER_ADMIN, is_active=True)
    rows = {row.pk: row for row in AdminUser.objects.select_for_update().filter(wanted).order_by("pk")}
    row = rows.get(user.pk)
    if row is None:
        raise NoSuchResource("user", user.username)
    return row, _is_active_super_admin(row) and len(rows) == 1


def _is_active_super_admin(user: AdminUser) -> bool:
    return user.role == Role.SUPER_ADMIN and user.is_active


def _refuse_last(user: AdminUser) -> NoReturn:
    raise InvalidArgument("user", user.username, "the only active super admin; make another one first.")


def _validate_fields(user: AdminUser) -> None:
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidArgument(field, getattr(user, field, ""), " ".join(messages)) from error


def _validate_password(password: str, user: AdminUser) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidArgument("password", "(hidden)", " ".join(error.messages)) from error
