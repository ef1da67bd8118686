"""The Django app of the regional database."""

from __future__ import annotations

from django.apps import AppConfig


class MetadataConfig(AppConfig):
    name = "dataplane.metadata"
    label = "metadata"
    default_auto_field = "django.db.models.BigAutoField"
