"""Leases: responsibilities held for a time, never assigned. Knows no table and no kind of work."""
