"""The Django app of the regional database."""

from __future__ import annotations

from django.apps import AppConfig


class MetadataConfig(AppConfig):
    name = "dataplane.metadata"
    label = "metadata"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from dataplane.metadata import checks  # noqa: F401, PLC0415 - registers itself, once models can be imported
