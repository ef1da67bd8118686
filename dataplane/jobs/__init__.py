"""Reconcilers, one a module: each re-reads the state and brings it nearer to what it should be. Idempotent."""
