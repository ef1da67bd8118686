"""The control listener's URLs: the admin, and whatever the control app mounts."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

# Here rather than when Django is set up: only a process that serves the console pays for loading it.
admin.autodiscover()

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("control.api.urls")),
]
