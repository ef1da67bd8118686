"""The Django application of the control plane. Starts nothing and opens nothing when loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from control.deployment import Deployment


class ControlConfig(AppConfig):
    name = "control"
    label = "control"
    verbose_name = "Control plane"
    default_auto_field = "django.db.models.BigAutoField"

    deployment: Deployment | None = None
    """Set by `control.deployment.install`."""
