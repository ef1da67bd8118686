"""Buckets: where they live, whose they are, who may read them. Their objects are the S3 API's business."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers, viewsets

from control.api.changes import origin_of
from control.deployment import installed
from control.models import Bucket, Region, Tenant
from control.services import buckets


class BucketSerializer(serializers.ModelSerializer[Bucket]):
    name = serializers.CharField(max_length=63)
    tenant = serializers.SlugRelatedField(slug_field="name", queryset=Tenant.objects.all())
    region = serializers.SlugRelatedField(slug_field="name", queryset=Region.objects.all())
    object_lock = serializers.BooleanField(default=False)

    class Meta:
        model = Bucket
        fields = ["id", "name", "tenant", "region", "public_read", "object_lock", "state", "generation", "created_at"]
        read_only_fields = ["public_read", "state", "generation"]


class BucketChangeSerializer(serializers.ModelSerializer[Bucket]):
    tenant = serializers.SlugRelatedField[Tenant](slug_field="name", read_only=True)
    region = serializers.SlugRelatedField[Region](slug_field="name", read_only=True)
    public_read = serializers.BooleanField(required=False)

    class Meta:
        model = Bucket
        fields = ["id", "name", "tenant", "region", "public_read", "object_lock", "state", "generation", "created_at"]
        read_only_fields = ["name", "object_lock", "state", "generation"]


class BucketViewSet(viewsets.ModelViewSet[Bucket]):
    """`public_read` lets anyone read the bucket's objects without signing. Only empty buckets can be deleted."""

    queryset = Bucket.objects.select_related("tenant", "region")
    lookup_field = "name"
    lookup_value_regex = "[^/]+"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    filterset_fields: Any = {
        "tenant__name": ["exact"], "region__name": ["exact"], "public_read": ["exact"], "state": ["exact"],
        "name": ["exact", "startswith"],
    }  # fmt: skip

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Bucket]]:
        return BucketChangeSerializer if self.action == "partial_update" else BucketSerializer

    def perform_create(self, serializer: serializers.BaseSerializer[Bucket]) -> None:
        given = serializer.validated_data
        serializer.instance = buckets.create(
            given["name"],
            tenant_id=given["tenant"].pk,
            region=given["region"].name,
            object_lock=given["object_lock"],
            origin=origin_of(self.request),
            regional=installed().regional,
        )

    def perform_update(self, serializer: serializers.BaseSerializer[Bucket]) -> None:
        assert serializer.instance is not None
        if "public_read" in serializer.validated_data:
            serializer.instance = buckets.set_public_access(
                serializer.instance, allowed=serializer.validated_data["public_read"], origin=origin_of(self.request)
            )

    def perform_destroy(self, instance: Bucket) -> None:
        buckets.delete(instance, origin=origin_of(self.request), regional=installed().regional)
