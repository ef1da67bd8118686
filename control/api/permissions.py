"""Who may use the REST API: signed-in people, by role. Apps use S3 and gRPC, not this."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from control.models import Role

if TYPE_CHECKING:
    from rest_framework.views import APIView  # loads the permissions itself


class ByRole(BasePermission):
    """A super admin may do everything, a viewer may read."""

    message = "Your role ReadOnlyViewer may look at everything and change nothing; ask a SuperAdmin."

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user.is_authenticated:
            return False
        role = request.user.role
        return role == Role.SUPER_ADMIN or (role == Role.READ_ONLY_VIEWER and request.method in SAFE_METHODS)
