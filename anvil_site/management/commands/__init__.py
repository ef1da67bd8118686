"""Commands of the node itself; those of the control plane are in `control`."""

from __future__ import annotations
