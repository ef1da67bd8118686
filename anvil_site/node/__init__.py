"""The processes of a node: supervisor, workers, steward; each builds its object graph in one readable function."""

from __future__ import annotations
