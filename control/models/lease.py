"""Who is responsible for a piece of global work. The rules are `dataplane.leases`'; this is their table here."""

from __future__ import annotations

from dataplane.metadata.models.queue import AbstractLeaseRow


class Lease(AbstractLeaseRow):
    class Meta(AbstractLeaseRow.Meta):
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
