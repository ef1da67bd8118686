"""What this process was given to reach beyond the global database: the server keys and its region's side.

The composition root calls `install` once after `django.setup()`; views and commands, which Django builds itself
and which can be handed nothing, call `installed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from django.apps import apps

from control.services.bucket_phases import RegionalSide
from dataplane.crypto.keys import KeyRing

if TYPE_CHECKING:
    from control.apps import ControlConfig


@dataclass(frozen=True, slots=True)
class Deployment:
    key_ring: KeyRing
    regional: RegionalSide


def install(deployment: Deployment | None) -> None:
    """None takes it away again (tests)."""
    _config().deployment = deployment


def installed() -> Deployment:
    deployment = _config().deployment
    if deployment is None:
        raise RuntimeError("no deployment is installed: call control.deployment.install after django.setup()")
    return deployment


def _config() -> ControlConfig:
    return cast("ControlConfig", apps.get_app_config("control"))
