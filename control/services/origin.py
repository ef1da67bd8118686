"""Who asks for a change, why, and in which request: given to every service, kept in the audit trail."""

from __future__ import annotations

from dataclasses import dataclass

from dataplane.errors import InvalidArgument

REASON_LIMIT_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class Origin:
    """`actor` is `user:NAME`, `app:TENANT/NAME`, `command:SYSTEM USER` or `node:ID`."""

    actor: str
    reason: str = ""
    request_id: str = ""

    def __post_init__(self) -> None:
        if not self.actor:
            raise ValueError("a change needs an actor")
        if len(self.reason) > REASON_LIMIT_CHARACTERS:
            raise InvalidArgument(
                "reason", self.reason[:64] + "...", f"at most {REASON_LIMIT_CHARACTERS} characters are allowed."
            )
