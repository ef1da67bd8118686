"""People of the console."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from rest_framework.authtoken.models import TokenProxy
from unfold.widgets import UnfoldAdminPasswordWidget

from control.admin.base import ConsoleAdmin, ServiceForm
from control.models import AdminUser, Role
from control.services import admin_users
from control.services.origin import Origin

admin.site.unregister(Group)  # roles decide; groups would only seem to
admin.site.unregister(TokenProxy)  # its page shows the tokens of others, super admins' included, to every viewer


class UserAddForm(ServiceForm):
    password = forms.CharField(widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}), strip=False)

    class Meta:
        model = AdminUser
        fields = ["username", "email", "role"]

    def create(self, given: dict[str, Any], origin: Origin) -> AdminUser:
        return admin_users.create(
            given["username"],
            password=given["password"],
            role=Role(given["role"]),
            email=given["email"],
            origin=origin,
        )


class UserChangeForm(ServiceForm):
    new_password = forms.CharField(
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        strip=False,
        required=False,
        help_text="Leave empty to keep the password. A new one ends the person's sessions.",
    )

    class Meta:
        model = AdminUser
        fields = ["email", "role", "is_active"]

    def change(self, row: AdminUser, given: dict[str, Any], origin: Origin) -> AdminUser:
        if given["new_password"]:
            admin_users.set_password(row, password=given["new_password"], origin=origin)
        return admin_users.update(
            row,
            role=Role(given["role"]),
            email=given["email"],
            is_active=given["is_active"],
            origin=origin,
        )


@admin.register(AdminUser)
class AdminUserAdmin(ConsoleAdmin):
    list_display = ("username", "email", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("username", "email")
    readonly_fields = ("username", "email", "role", "is_active", "last_login", "date_joined")
    add_form_class = UserAddForm
    change_form_class = UserChangeForm
    removable = True

    def remove(self, row: AdminUser, origin: Origin) -> None:
        admin_users.delete(row, origin=origin)
