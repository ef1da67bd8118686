"""Where things lie in the first storage path. Names only; makes and reads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """`root` is the first entry of STORAGE_PATH; it is a store as well (`store.json`, `shards/`, `tmp/`)."""

    root: Path

    @property
    def postgres(self) -> Path:
        """The embedded database."""
        return self.root / "postgres"

    @property
    def secrets(self) -> Path:
        """Generated secrets, one file each (0600)."""
        return self.root / "secrets"

    @property
    def jwt_secret(self) -> Path:
        return self.secrets / "jwt_secret"

    @property
    def secret_encryption_key(self) -> Path:
        return self.secrets / "secret_encryption_key"

    @property
    def credentials(self) -> Path:
        """What a first start made, in a form that shells can source (0600)."""
        return self.root / "credentials.env"

    @property
    def node(self) -> Path:
        """What the node is, for ever."""
        return self.root / "node"

    @property
    def identity(self) -> Path:
        return self.node / "identity.pem"

    @property
    def known_stores(self) -> Path:
        return self.node / "stores.json"

    @property
    def run(self) -> Path:
        """What concerns the running node only; emptied at each start."""
        return self.root / "run"

    @property
    def running_node(self) -> Path:
        return self.run / "node.json"

    @property
    def metrics(self) -> Path:
        return self.run / "metrics"
