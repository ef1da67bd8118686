"""Regions, and what stands in them: cells, nodes and stores, which register themselves."""

from __future__ import annotations

from typing import Any

from rest_framework import mixins, serializers, viewsets

from control.api.changes import origin_of
from control.models import Cell, Node, Region, Store
from control.services import regions


class RegionSerializer(serializers.ModelSerializer[Region]):
    name = serializers.CharField(max_length=63)

    class Meta:
        model = Region
        fields = ["id", "name", "created_at"]


class RegionViewSet(mixins.CreateModelMixin, mixins.DestroyModelMixin, viewsets.ReadOnlyModelViewSet[Region]):
    """A region is made before its first node starts, and removed after its last one is gone."""

    queryset = Region.objects.all()
    serializer_class = RegionSerializer
    lookup_field = "name"
    lookup_value_regex = "[^/]+"

    def perform_create(self, serializer: serializers.BaseSerializer[Region]) -> None:
        serializer.instance = regions.create(serializer.validated_data["name"], origin=origin_of(self.request))

    def perform_destroy(self, instance: Region) -> None:
        regions.delete(instance, origin=origin_of(self.request))


class CellSerializer(serializers.ModelSerializer[Cell]):
    region = serializers.SlugRelatedField[Region](slug_field="name", read_only=True)

    class Meta:
        model = Cell
        fields = ["id", "name", "region", "created_at"]


class CellViewSet(viewsets.ReadOnlyModelViewSet[Cell]):
    """Failure domains: nodes of one cell are expected to fail together."""

    queryset = Cell.objects.select_related("region")
    serializer_class = CellSerializer
    filterset_fields: Any = {"region__name": ["exact"], "name": ["exact"]}


class NodeSerializer(serializers.ModelSerializer[Node]):
    region = serializers.SlugRelatedField[Region](slug_field="name", read_only=True)
    cell = serializers.SlugRelatedField[Cell](slug_field="name", read_only=True)

    class Meta:
        model = Node
        fields = [
            "id", "node_id", "region", "cell", "hostname", "api_address", "version", "started_at", "created_at",
        ]  # fmt: skip


class NodeViewSet(viewsets.ReadOnlyModelViewSet[Node]):
    """Nodes that have registered at least once."""

    queryset = Node.objects.select_related("region", "cell")
    serializer_class = NodeSerializer
    lookup_field = "node_id"
    filterset_fields: Any = {"region__name": ["exact"], "cell__name": ["exact"]}


class StoreSerializer(serializers.ModelSerializer[Store]):
    region = serializers.SlugRelatedField[Region](slug_field="name", read_only=True)
    node = serializers.SlugRelatedField[Node](slug_field="node_id", read_only=True)

    class Meta:
        model = Store
        fields = [
            "id", "store_id", "number", "region", "node", "weight", "capacity_bytes", "read_only", "created_at",
        ]  # fmt: skip


class StoreViewSet(viewsets.ReadOnlyModelViewSet[Store]):
    """Data paths of nodes; `number` is what the metadata of objects records."""

    queryset = Store.objects.select_related("region", "node")
    serializer_class = StoreSerializer
    lookup_field = "store_id"
    filterset_fields: Any = {"region__name": ["exact"], "node__node_id": ["exact"], "read_only": ["exact"]}
