"""A piece of global background work. The rules of the queue are `dataplane.tasks`'; this is their table here."""

from __future__ import annotations

from dataplane.metadata.models.queue import AbstractTaskRow


class Task(AbstractTaskRow):
    class Meta(AbstractTaskRow.Meta):
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
