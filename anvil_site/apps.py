"""Registers the site's system checks and commands with Django. Starts nothing and opens nothing when loaded."""

from __future__ import annotations

from django.apps import AppConfig


class AnvilSiteConfig(AppConfig):
    name = "anvil_site"
    verbose_name = "Anvil node"

    def ready(self) -> None:
        from anvil_site import checks  # noqa: PLC0415 - models are loaded by now, not before

        checks.register()
