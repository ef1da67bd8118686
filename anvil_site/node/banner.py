"""What a node says on its terminal once it serves: where, with which credentials, how redundant."""

from __future__ import annotations

from anvil_site import __version__
from anvil_site.layout import Layout
from anvil_site.node.running_node import RunningNode
from anvil_site.options import Options


def banner(node: RunningNode, layout: Layout, options: Options) -> str:
    database = "embedded PostgreSQL" if layout.postgres.is_dir() and options.jwt_secret else "PostgreSQL"
    lines = {
        "S3 and gRPC": f"{node.api_url}   (listening on {node.api_address})",
        "Console": node.admin_url,
        "Credentials": str(layout.credentials) if layout.credentials.exists() else "",
        "Database": database,
        "Stores": f"{len(node.stores)} in region {node.region}",
        "Redundancy": redundancy(node.redundancy, len(node.stores)),
        "Encryption": "AES-256-GCM at rest" if options.encrypt_at_rest else "off (ENCRYPT_AT_REST=false)",
    }
    width = max(map(len, lines)) + 2
    text = "".join(f"  {name + ':':<{width}} {value}\n" for name, value in lines.items() if value)
    return f"\nAnvil {__version__} is ready, node {node.node_id}\n{text}\n"


def redundancy(profile: str, stores: int) -> str:
    """`profile` is K+M. Says what it means, because 1+0 means that a lost drive is lost data."""
    m = int(profile.partition("+")[2] or 0)
    if m == 0:
        return f"{profile} on {stores} store: none, a lost drive is lost data; name more drives in STORAGE_PATH"
    return f"{profile} over {stores} stores: any {m} of them may be lost"
