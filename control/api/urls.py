"""The routes of `/api/v1/`, its OpenAPI document and the page to read it."""

from __future__ import annotations

from django.urls import include, path
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.parsers import FormParser, JSONParser
from rest_framework.routers import SimpleRouter
from rest_framework.throttling import ScopedRateThrottle

from control.api.v1.apps import AppViewSet, CredentialViewSet, GrantViewSet
from control.api.v1.audit import AuditEntryViewSet
from control.api.v1.buckets import BucketViewSet
from control.api.v1.regions import CellViewSet, NodeViewSet, RegionViewSet, StoreViewSet
from control.api.v1.tenants import TenantViewSet
from control.api.v1.users import UserViewSet

router = SimpleRouter()
router.register("regions", RegionViewSet)
router.register("cells", CellViewSet)
router.register("nodes", NodeViewSet)
router.register("stores", StoreViewSet)
router.register("tenants", TenantViewSet)
router.register("apps", AppViewSet)
router.register("credentials", CredentialViewSet)
router.register("policies", GrantViewSet)
router.register("buckets", BucketViewSet)
router.register("users", UserViewSet)
router.register("audit", AuditEntryViewSet)


@extend_schema(summary="Trade a user name and password for a token", auth=[])
class TokenView(ObtainAuthToken):
    """The token goes into `Authorization: Token ...`; it acts with its user's role."""

    parser_classes = (JSONParser, FormParser)
    throttle_classes = (ScopedRateThrottle,)
    throttle_scope = "sign_in"


urlpatterns = [
    path("", include(router.urls)),
    path("token/", TokenView.as_view(), name="api-token"),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="api-schema"), name="api-docs"),
]
