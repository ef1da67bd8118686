"""Composition root: settings, options, processes, listeners. May import anything; nothing imports it."""
