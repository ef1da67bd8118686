"""The secrets of a node that is given none: made once, kept in the storage path, one file each (0600)."""

from __future__ import annotations

import secrets

from anvil_site.layout import Layout
from anvil_site.node.durable_files import create_private, make_private_directory


def ensure_secrets(layout: Layout) -> dict[str, str]:
    """Makes those that are not there yet; the variables that name the files."""
    make_private_directory(layout.secrets)
    create_private(layout.jwt_secret, secrets.token_urlsafe(48).encode() + b"\n")
    create_private(layout.secret_encryption_key, secrets.token_hex(32).encode() + b"\n")
    return {
        "JWT_SECRET_FILE": str(layout.jwt_secret),
        "ANVIL_SECRET_ENCRYPTION_KEY_FILE": str(layout.secret_encryption_key),
    }
