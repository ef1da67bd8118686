#!/usr/bin/env python
"""Anvil's one binary: `manage.py anvil_serve` is a node, every other command operates one. The same as `anvil`."""

from __future__ import annotations

from anvil_site.cli import main

if __name__ == "__main__":
    main()
