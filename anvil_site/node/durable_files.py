"""Small files that must be whole and on the disk, or not be there: keys, secrets, descriptions."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """Replaces `path` by a file of mode 0600; after a crash it holds the old or the new content."""
    temporary = _written(path, content)
    temporary.replace(path)
    _sync_directory(path.parent)


def create_private(path: Path, content: bytes) -> bytes:
    """Makes `path` (0600) unless it is there; returns what it holds now, whoever made it."""
    if not path.exists():
        temporary = _written(path, content)
        try:
            os.link(temporary, path)  # unlike a rename it replaces nothing
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
        _sync_directory(path.parent)
    return path.read_bytes()


def make_private_directory(path: Path) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def _written(path: Path, content: bytes) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
