"""What a node is and has on its drives: its identity, the lock that makes it the only one, its stores.

Must not know: databases, which give numbers to stores.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from anvil_site.layout import Layout
from anvil_site.node.durable_files import create_private, make_private_directory, write_private
from dataplane.shards.identity import NotAStore, prepare_store, read_identity

_LOCK_FILE = "node.lock"
_DYING_SECONDS = 10.0
"""How long the children of a killed supervisor may take to follow it."""
_ID_BYTES = 16


class StorageError(Exception):
    """A storage path cannot be used. `str()` says which, why and what to do."""


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """An Ed25519 key pair, made once. `node_id`: base32 of the public key's hash, 26 lower-case characters."""

    node_id: str
    private_key: Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class LocalStore:
    """A storage path and the id its `store.json` has, or had when it was last seen."""

    path: Path
    store_id: str
    fault: str = ""
    """Why it cannot be used now; "" where it can."""


def load_identity(layout: Layout) -> NodeIdentity:
    """Reads `node/identity.pem`, made (0600) where there is none. Raises `StorageError`."""
    make_private_directory(layout.node)
    fresh = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        key = load_pem_private_key(create_private(layout.identity, fresh), password=None)
    except (OSError, ValueError) as error:
        raise StorageError(f"The node's identity {layout.identity} cannot be read: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise StorageError(f"The node's identity {layout.identity} is not an Ed25519 key.")
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    digest = hashlib.sha256(public).digest()[:_ID_BYTES]
    return NodeIdentity(base64.b32encode(digest).decode().rstrip("=").lower(), key)


class StorageLock:
    """Held by the supervisor and inherited by its children: a node is over when the last of them is."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Makes the directories that do not exist and never did; one of a drive that is not mounted stays away.

        Raises `StorageError` where another node has one of them.
        """
        self.descriptors: list[int] = []
        root, *others = paths
        try:
            self.descriptors.append(_locked(_opened(root, _LOCK_FILE), root, says_pid=True))
            known = _read_known(Layout(root))
            for path in others:
                if path.is_dir() or str(path) not in known:
                    self.descriptors.append(_locked(_opened(path), path))
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors.clear()


def _opened(path: Path, file_name: str = "") -> int:
    """The directory, or a file in it, to lock; the directory is made."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not file_name:
            return os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        return os.open(path / file_name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StorageError(f"The storage path {path} cannot be used: {error.strerror}.") from error


def _locked(descriptor: int, path: Path, *, says_pid: bool = False) -> int:
    deadline = time.monotonic() + _DYING_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() if says_pid else ""
            if _is_alive(holder) or time.monotonic() >= deadline:
                os.close(descriptor)
                raise StorageError(
                    f"Another node{f' (pid {holder})' if holder else ''} runs on the storage path {path}; stop it, "
                    "or give this one a STORAGE_PATH of its own."
                ) from None
            time.sleep(0.02)
        else:
            if says_pid:
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            return descriptor


def _is_alive(pid: str) -> bool:
    """Whether the process may still be a node's supervisor. A zombie is not."""
    try:
        return Path(f"/proc/{int(pid)}/stat").read_text().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except (OSError, ValueError):
        return False


def prepare_stores(paths: Sequence[Path], layout: Layout) -> list[LocalStore]:
    """Makes each path a store, except one that was a store of this node and no longer looks like it.

    That is a drive which is not mounted, most likely: making a store of its mount point would fill the wrong disk.
    """
    make_private_directory(layout.node)
    known = _read_known(layout)
    stores = []
    for path in paths:
        remembered = known.get(str(path))
        try:
            identity = read_identity(path) if remembered else prepare_store(path)
            if remembered:
                identity = prepare_store(path)  # its directories may be missing
        except (NotAStore, OSError) as error:
            if remembered is None:
                raise StorageError(f"The storage path {path} cannot be made a store: {error}") from error
            advice = f"mount its drive, or remove its line from {layout.known_stores} to start it empty"
            stores.append(LocalStore(path, remembered, f"{error}; {advice}"))
        else:
            stores.append(LocalStore(path, identity.id))
    ids = [store.store_id for store in stores]
    if len(set(ids)) < len(ids):
        raise StorageError(
            "Two storage paths hold the same store id: one is a copy of the other; remove its store.json."
        )
    lines = {str(store.path): store.store_id for store in stores}
    if lines != known:
        write_private(layout.known_stores, json.dumps({**known, **lines}, indent=1).encode() + b"\n")
    return stores


def _read_known(layout: Layout) -> dict[str, str]:
    try:
        document = json.loads(layout.known_stores.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StorageError(f"{layout.known_stores} cannot be read: {error}") from error
    return {str(path): str(store_id) for path, store_id in document.items()}
