"""Django leaves the logging alone: `anvil_site/logs.py` configures it once for each process."""

from __future__ import annotations

LOGGING_CONFIG = None
