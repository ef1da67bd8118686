"""A person who signs in to the console or the REST API. Apps are not users: they have credentials."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models


class Role(models.TextChoices):
    SUPER_ADMIN = "SuperAdmin", "Super admin"
    READ_ONLY_VIEWER = "ReadOnlyViewer", "Read-only viewer"


class AdminUserManager(UserManager["AdminUser"]):
    """Gives `createsuperuser` and friends the role that goes with what they make."""

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **extra_fields: Any
    ) -> AdminUser:
        extra_fields.setdefault("role", Role.SUPER_ADMIN)
        return super().create_superuser(username, email, password, **extra_fields)


class AdminUser(AbstractUser):
    """The role alone decides: a super admin may do everything, a viewer may look at everything and change nothing."""

    role = models.CharField(max_length=32, choices=Role.choices, default=Role.READ_ONLY_VIEWER)

    objects: ClassVar[AdminUserManager] = AdminUserManager()

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="admin_user_role_known"),
            models.CheckConstraint(
                condition=(
                    models.Q(role=Role.SUPER_ADMIN, is_superuser=True)
                    | (~models.Q(role=Role.SUPER_ADMIN) & models.Q(is_superuser=False))
                ),
                name="admin_user_superuser_is_super_admin",
            ),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.is_superuser = self.role == Role.SUPER_ADMIN
        self.is_staff = True
        fields = kwargs.get("update_fields")
        if fields is not None and "role" in fields:
            kwargs["update_fields"] = {*fields, "is_superuser", "is_staff"}
        super().save(*args, **kwargs)

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        if self.is_active and self.role == Role.READ_ONLY_VIEWER:
            return perm.partition(".")[2].startswith("view_")
        return super().has_perm(perm, obj)

    def has_module_perms(self, app_label: str) -> bool:
        if self.is_active and self.role == Role.READ_ONLY_VIEWER:
            return True
        return super().has_module_perms(app_label)
