"""People who sign in to the console and this API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from control.api.changes import origin_of
from control.models import AdminUser, Role
from control.services import admin_users


class UserSerializer(serializers.ModelSerializer[AdminUser]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(write_only=True, trim_whitespace=False, max_length=1000)
    role = serializers.ChoiceField(choices=Role.choices)
    email = serializers.EmailField(required=False, allow_blank=True, default="")

    class Meta:
        model = AdminUser
        fields = ["id", "username", "email", "role", "is_active", "last_login", "date_joined", "password"]
        read_only_fields = ["is_active", "last_login", "date_joined"]


class UserChangeSerializer(serializers.ModelSerializer[AdminUser]):
    class Meta:
        model = AdminUser
        fields = ["id", "username", "email", "role", "is_active", "last_login", "date_joined"]
        read_only_fields = ["username", "last_login", "date_joined"]


class PasswordSerializer(serializers.Serializer[Any]):
    password = serializers.CharField(trim_whitespace=False, max_length=1000)


class UserViewSet(viewsets.ModelViewSet[AdminUser]):
    """The last active super admin can be neither deleted nor demoted."""

    queryset = AdminUser.objects.all()
    lookup_field = "username"
    lookup_value_regex = "[^/]+"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    filterset_fields: Any = {"role": ["exact"], "is_active": ["exact"]}

    def get_serializer_class(self) -> type[serializers.BaseSerializer[AdminUser]]:
        return UserChangeSerializer if self.action == "partial_update" else UserSerializer

    def perform_create(self, serializer: serializers.BaseSerializer[AdminUser]) -> None:
        given = serializer.validated_data
        serializer.instance = admin_users.create(
            given["username"],
            password=given["password"],
            role=Role(given["role"]),
            email=given["email"],
            origin=origin_of(self.request),
        )

    def perform_update(self, serializer: serializers.BaseSerializer[AdminUser]) -> None:
        assert serializer.instance is not None
        given = serializer.validated_data
        serializer.instance = admin_users.update(
            serializer.instance,
            role=Role(given["role"]) if "role" in given else None,
            email=given.get("email"),
            is_active=given.get("is_active"),
            origin=origin_of(self.request),
        )

    def perform_destroy(self, instance: AdminUser) -> None:
        admin_users.delete(instance, origin=origin_of(self.request))

    @extend_schema(request=PasswordSerializer, responses={204: None})
    @action(detail=True, methods=["post"], url_path="set-password")
    def set_password(self, request: Request, username: str | None = None) -> Response:
        """Ends the person's sessions."""
        given = PasswordSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        admin_users.set_password(
            self.get_object(), password=given.validated_data["password"], origin=origin_of(request)
        )
        return Response(status=status.HTTP_204_NO_CONTENT)
