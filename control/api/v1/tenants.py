"""Tenants: the boundary of isolation."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers, viewsets

from control.api.changes import origin_of
from control.models import Tenant
from control.models.tenant import DEFAULT_BUCKET_LIMIT
from control.services import tenants


class TenantSerializer(serializers.ModelSerializer[Tenant]):
    name = serializers.CharField(max_length=63)
    enabled = serializers.BooleanField(read_only=True)
    bucket_limit = serializers.IntegerField(default=DEFAULT_BUCKET_LIMIT)

    class Meta:
        model = Tenant
        fields = ["id", "name", "enabled", "bucket_limit", "created_at"]


class TenantChangeSerializer(serializers.ModelSerializer[Tenant]):
    """What of a tenant may change; its name is in other people's scripts and stays."""

    enabled = serializers.BooleanField(required=False)
    bucket_limit = serializers.IntegerField(required=False)

    class Meta:
        model = Tenant
        fields = ["id", "name", "enabled", "bucket_limit", "created_at"]
        read_only_fields = ["name"]


class TenantViewSet(viewsets.ModelViewSet[Tenant]):
    """Disabling a tenant refuses all its credentials within a second and leaves its data as it is."""

    queryset = Tenant.objects.all()
    lookup_field = "name"
    lookup_value_regex = "[^/]+"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    filterset_fields: Any = {"enabled": ["exact"], "name": ["exact", "startswith"]}

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Tenant]]:
        return TenantChangeSerializer if self.action == "partial_update" else TenantSerializer

    def perform_create(self, serializer: serializers.BaseSerializer[Tenant]) -> None:
        given = serializer.validated_data
        serializer.instance = tenants.create(
            given["name"], bucket_limit=given["bucket_limit"], origin=origin_of(self.request)
        )

    def perform_update(self, serializer: serializers.BaseSerializer[Tenant]) -> None:
        assert serializer.instance is not None
        given = serializer.validated_data
        serializer.instance = tenants.update(
            serializer.instance,
            enabled=given.get("enabled"),
            bucket_limit=given.get("bucket_limit"),
            origin=origin_of(self.request),
        )

    def perform_destroy(self, instance: Tenant) -> None:
        tenants.delete(instance, origin=origin_of(self.request))
