"""The identity of a store directory: `store.json`, made once, so that drives can move between hosts.

A directory without its `store.json` (an unmounted drive, say) is no store: nothing is written there.
Must not know: numbers, which the regional database gives to ids.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from dataplane.shards.layout import make_directories

IDENTITY_FILE = "store.json"

_FORMAT = 1
_ID_BYTES = 16


class NotAStore(ValueError):
    """The directory has no identity, or one that cannot be read here."""


@dataclass(frozen=True, slots=True)
class StoreIdentity:
    id: str
    """32 hexadecimal digits."""


def read_identity(path: Path) -> StoreIdentity:
    """Raises `NotAStore`, also where the directory itself is not there."""
    file = path / IDENTITY_FILE
    try:
        document = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise NotAStore(f"{path} is not a store: it has no {IDENTITY_FILE}") from None
    except (OSError, ValueError) as error:
        raise NotAStore(f"{file} cannot be read: {error}") from error
    if not isinstance(document, dict) or document.get("format") != _FORMAT or not isinstance(document.get("id"), str):
        raise NotAStore(f"{file} is of a format that is not known here (known: {_FORMAT})")
    return StoreIdentity(document["id"])


def prepare_store(path: Path) -> StoreIdentity:
    """Makes the directory a store if it is none yet; idempotent. Raises OSError or `NotAStore`.

    Several processes may do so at once: the first identity that is linked into place wins.
    """
    path.mkdir(parents=True, exist_ok=True)
    make_directories(path)
    if not (path / IDENTITY_FILE).exists():
        _write_identity(path, StoreIdentity(secrets.token_hex(_ID_BYTES)))
    return read_identity(path)


def _write_identity(path: Path, identity: StoreIdentity) -> None:
    temporary = path / f"{IDENTITY_FILE}.{secrets.token_hex(4)}"
    with open(temporary, "wb") as file:
        file.write(json.dumps({"format": _FORMAT, "id": identity.id}).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link, unlike a rename, does not replace what another process put there in between.
        os.link(temporary, path / IDENTITY_FILE)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
