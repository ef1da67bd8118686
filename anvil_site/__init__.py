"""Composition root: settings, options, processes, listeners. May import anything; nothing imports it."""

from __future__ import annotations

__version__ = "0.1.0"
