"""People of the console: roles decide everything, and one super admin always remains."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connections

from control.models import AdminUser, AuditEntry, Role
from control.services import admin_users
from control.services.origin import Origin
from dataplane.errors import AlreadyExists, InvalidArgument, NoSuchResource

pytestmark = pytest.mark.usefixtures("control_databases")
PASSWORD = "correct horse battery"


def make(username: str, role: Role, origin: Origin) -> AdminUser:
    return admin_users.create(username, password=PASSWORD, role=role, origin=origin)


def test_it_is_the_user_model_and_createsuperuser_makes_a_super_admin() -> None:
    assert get_user_model() is AdminUser
    user = AdminUser.objects.create_superuser("root", "root@example.org", PASSWORD)
    assert (user.role, user.is_superuser, user.is_staff) == (Role.SUPER_ADMIN, True, True)
    plain = AdminUser.objects.create_user("someone", password=PASSWORD)
    assert (plain.role, plain.is_superuser) == (Role.READ_ONLY_VIEWER, False)


def test_a_viewer_may_look_at_everything_and_change_nothing(origin: Origin) -> None:
    viewer = make("eve", Role.READ_ONLY_VIEWER, origin)
    assert viewer.has_perm("control.view_bucket")
    assert viewer.has_module_perms("control")
    for perm in ("control.add_bucket", "control.change_bucket", "control.delete_bucket", "control.view"):
        assert not viewer.has_perm(perm)
    viewer.is_active = False
    assert not viewer.has_perm("control.view_bucket")
    assert not viewer.has_module_perms("control")


def test_a_super_admin_may_do_everything(origin: Origin) -> None:
    root = make("root", Role.SUPER_ADMIN, origin)
    assert root.has_perm("control.delete_bucket")


def test_role_and_superuser_flag_cannot_disagree(origin: Origin) -> None:
    make("root", Role.SUPER_ADMIN, origin)
    viewer = make("eve", Role.READ_ONLY_VIEWER, origin)
    with pytest.raises(IntegrityError, match="admin_user_superuser_is_super_admin"):
        AdminUser.objects.filter(pk=viewer.pk).update(is_superuser=True)
    viewer.is_superuser = True
    viewer.save()
    viewer.refresh_from_db()
    assert not viewer.is_superuser
    viewer.role = Role.SUPER_ADMIN
    viewer.save(update_fields=["role"])
    viewer.refresh_from_db()
    assert viewer.is_superuser


def test_users_are_made_once_with_good_names_and_passwords(origin: Origin) -> None:
    make("root", Role.SUPER_ADMIN, origin)
    with pytest.raises(AlreadyExists, match="'root'"):
        make("root", Role.SUPER_ADMIN, origin)
    with pytest.raises(InvalidArgument, match="username"):
        make("no spaces", Role.SUPER_ADMIN, origin)
    with pytest.raises(InvalidArgument, match="email"):
        admin_users.create("bob", password=PASSWORD, role=Role.SUPER_ADMIN, origin=origin, email="nowhere")
    with pytest.raises(InvalidArgument) as caught:
        admin_users.create("bob", password="12345", role=Role.SUPER_ADMIN, origin=origin)
    assert "12345" not in str(caught.value)
    assert AdminUser.objects.count() == 1


def test_changes_are_audited_without_passwords(origin: Origin) -> None:
    make("root", Role.SUPER_ADMIN, origin)
    user = make("eve", Role.READ_ONLY_VIEWER, origin)
    admin_users.update(user, role=Role.SUPER_ADMIN, email="eve@example.org", origin=origin)
    admin_users.set_password(user, password="another good password", origin=origin)
    user.refresh_from_db()
    assert user.is_superuser
    assert user.check_password("another good password")
    admin_users.delete(user, origin=origin)
    trail = list(AuditEntry.objects.filter(target="eve").order_by("pk"))
    assert [entry.action for entry in trail] == ["user.create", "user.update", "user.set_password", "user.delete"]
    assert trail[1].before == {"username": "eve", "email": "", "role": "ReadOnlyViewer", "is_active": True}
    assert "password" not in repr([(entry.before, entry.after) for entry in trail])
    with pytest.raises(NoSuchResource):
        admin_users.update(user, is_active=False, origin=origin)


def test_the_last_active_super_admin_stays(origin: Origin) -> None:
    root = make("root", Role.SUPER_ADMIN, origin)
    second = make("second", Role.SUPER_ADMIN, origin)
    admin_users.update(second, is_active=False, origin=origin)
    with pytest.raises(InvalidArgument, match="only active super admin"):
        admin_users.delete(root, origin=origin)
    with pytest.raises(InvalidArgument, match="only active super admin"):
        admin_users.update(root, role=Role.READ_ONLY_VIEWER, origin=origin)
    with pytest.raises(InvalidArgument, match="only active super admin"):
        admin_users.update(root, is_active=False, origin=origin)
    admin_users.delete(second, origin=origin)
    assert AdminUser.objects.get() == root


def test_two_super_admins_who_delete_each_other_leave_one(origin: Origin) -> None:
    pair = [make("a", Role.SUPER_ADMIN, origin), make("b", Role.SUPER_ADMIN, origin)]

    def delete(user: AdminUser) -> str:
        try:
            admin_users.delete(user, origin=origin)
        except InvalidArgument:
            return "refused"
        finally:
            connections.close_all()
        return "deleted"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(delete, pair)) == ["deleted", "refused"]
    assert AdminUser.objects.count() == 1
