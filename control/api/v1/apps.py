"""Apps, their credentials and their grants (called policies by the commands)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from control.api.changes import origin_of
from control.deployment import installed
from control.models import App, Credential, Grant, Tenant
from control.services import apps, credentials, policies
from control.services.credentials import IssuedCredential


class IssuedCredentialSerializer(serializers.Serializer[Any]):
    """A credential with its secret, which is shown this once and can never be read again."""

    app_id = serializers.IntegerField()
    client_id = serializers.CharField(help_text="Also the S3 access key.")
    client_secret = serializers.CharField(help_text="Also the S3 secret key.")


class AppSerializer(serializers.ModelSerializer[App]):
    tenant = serializers.SlugRelatedField(slug_field="name", queryset=Tenant.objects.all())
    name = serializers.CharField(max_length=63)

    class Meta:
        model = App
        fields = ["id", "tenant", "name", "enabled", "created_at"]
        read_only_fields = ["enabled"]
        validators: list[Any] = []  # the service answers 409 where the name is taken


class AppChangeSerializer(serializers.ModelSerializer[App]):
    tenant = serializers.SlugRelatedField[Tenant](slug_field="name", read_only=True)

    class Meta:
        model = App
        fields = ["id", "tenant", "name", "enabled", "created_at"]
        read_only_fields = ["name"]


class AppViewSet(viewsets.ModelViewSet[App]):
    """Creating an app answers with its first credential; it has no rights until a policy grants some."""

    queryset = App.objects.select_related("tenant")
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    filterset_fields: Any = {"tenant__name": ["exact"], "name": ["exact", "startswith"], "enabled": ["exact"]}

    def get_serializer_class(self) -> type[serializers.BaseSerializer[App]]:
        return AppChangeSerializer if self.action == "partial_update" else AppSerializer

    @extend_schema(responses={201: IssuedCredentialSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        issued = apps.create(given["tenant"], given["name"], key_ring=installed().key_ring, origin=origin_of(request))
        return Response(_shown_once(issued), status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=IssuedCredentialSerializer)
    @action(detail=True, methods=["post"], url_path="reset-secret")
    def reset_secret(self, request: Request, pk: str | None = None) -> Response:
        """Replaces the secret of the app's only credential; the old one is refused within a second."""
        issued = apps.reset_secret(self.get_object(), key_ring=installed().key_ring, origin=origin_of(request))
        return Response(_shown_once(issued))

    def perform_update(self, serializer: serializers.BaseSerializer[App]) -> None:
        assert serializer.instance is not None
        if "enabled" in serializer.validated_data:
            serializer.instance = apps.set_enabled(
                serializer.instance, enabled=serializer.validated_data["enabled"], origin=origin_of(self.request)
            )

    def perform_destroy(self, instance: App) -> None:
        apps.delete(instance, origin=origin_of(self.request))


class CredentialSerializer(serializers.ModelSerializer[Credential]):
    app = serializers.PrimaryKeyRelatedField(queryset=App.objects.select_related("tenant"))
    enabled = serializers.BooleanField(required=False)

    class Meta:
        model = Credential
        fields = ["id", "app", "access_key", "enabled", "key_id", "created_at", "rotated_at"]
        read_only_fields = ["access_key", "key_id", "rotated_at"]

    def update(self, instance: Credential, validated_data: Any) -> Credential:
        raise AssertionError("credentials are changed by control.services.credentials")


class CredentialViewSet(viewsets.ModelViewSet[Credential]):
    """Keys of apps. Secrets are shown when made or reset, never again."""

    queryset = Credential.objects.select_related("app__tenant")
    serializer_class = CredentialSerializer
    lookup_field = "access_key"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    filterset_fields: Any = {"app": ["exact"], "app__tenant__name": ["exact"], "enabled": ["exact"]}

    @extend_schema(responses={201: IssuedCredentialSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        issued = credentials.issue(
            serializer.validated_data["app"], key_ring=installed().key_ring, origin=origin_of(request)
        )
        return Response(_shown_once(issued), status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=IssuedCredentialSerializer)
    @action(detail=True, methods=["post"], url_path="reset-secret")
    def reset_secret(self, request: Request, access_key: str | None = None) -> Response:
        issued = credentials.reset_secret(self.get_object(), key_ring=installed().key_ring, origin=origin_of(request))
        return Response(_shown_once(issued))

    def perform_update(self, serializer: serializers.BaseSerializer[Credential]) -> None:
        assert serializer.instance is not None
        if "enabled" in serializer.validated_data:
            serializer.instance = credentials.set_enabled(
                serializer.instance, enabled=serializer.validated_data["enabled"], origin=origin_of(self.request)
            )

    def perform_destroy(self, instance: Credential) -> None:
        credentials.delete(instance, origin=origin_of(self.request))


class GrantSerializer(serializers.ModelSerializer[Grant]):
    app = serializers.PrimaryKeyRelatedField(queryset=App.objects.select_related("tenant"))
    action = serializers.CharField(max_length=64, help_text="`object:read`, `bucket:*`, `*` ...")
    resource = serializers.CharField(max_length=1100, help_text="A bucket, `bucket/key`, a prefix with `*`, or `*`.")

    class Meta:
        model = Grant
        fields = ["id", "app", "action", "resource", "created_at"]
        validators: list[Any] = []  # granting twice is no error


class GrantViewSet(mixins.CreateModelMixin, mixins.DestroyModelMixin, viewsets.ReadOnlyModelViewSet[Grant]):
    """Rights of apps. Both granting and revoking reach every worker within a second."""

    queryset = Grant.objects.select_related("app__tenant")
    serializer_class = GrantSerializer
    filterset_fields: Any = {
        "app": ["exact"], "app__name": ["exact"], "app__tenant__name": ["exact"], "action": ["exact"],
        "resource": ["exact"],
    }  # fmt: skip

    def perform_create(self, serializer: serializers.BaseSerializer[Grant]) -> None:
        given = serializer.validated_data
        serializer.instance, _ = policies.grant(
            given["app"], action=given["action"], resource=given["resource"], origin=origin_of(self.request)
        )

    def perform_destroy(self, instance: Grant) -> None:
        policies.revoke(
            instance.app, action=instance.action, resource=instance.resource, origin=origin_of(self.request)
        )


def _shown_once(issued: IssuedCredential) -> dict[str, Any]:
    return IssuedCredentialSerializer(
        {
            "app_id": issued.credential.app_id,
            "client_id": issued.access_key,
            "client_secret": issued.secret_key,
        }
    ).data
