"""`run/node.json`: the description that a supervisor leaves for its children and for commands on the same machine."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from anvil_site.layout import Layout
from anvil_site.node.durable_files import make_private_directory, write_private
from dataplane.contracts import StoreRecord


@dataclasses.dataclass(frozen=True, slots=True)
class RunningNode:
    """No secret belongs here."""

    pid: int
    """Of the supervisor."""
    node_id: str
    region: str
    api_address: str
    """As bound: host:port with the real port."""
    api_url: str
    """As clients reach it."""
    admin_address: str
    admin_url: str
    socket_dir: str
    """Private and with a short path: the unix sockets of the node's processes."""
    redundancy: str
    stores: tuple[StoreRecord, ...]

    def write(self, layout: Layout) -> None:
        make_private_directory(layout.run)
        document = dataclasses.asdict(self)
        write_private(layout.running_node, json.dumps(document, indent=1).encode() + b"\n")


def read_running_node(layout: Layout) -> RunningNode:
    """Raises OSError where no node runs (or did not end in order), ValueError where the file is damaged."""
    document: dict[str, Any] = json.loads(Path(layout.running_node).read_bytes())
    stores = tuple(StoreRecord(**store) for store in document.pop("stores"))
    return RunningNode(**document, stores=stores)
