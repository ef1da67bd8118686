"""What the clients move: one big file, one tree of many small files, and how to compare them byte by byte."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from random import Random

BIG_BYTES = 1 << 30
TREE_FILES = 2000
BLOCK_BYTES = 16 << 20
SEED = 20261120
SIZES = (0, 1, 17, 1000, 4096, 9000, 20_000)
RARE_SIZES = (65_535, 65_536, 65_537, 1_048_575, 1_048_577)
AWKWARD_NAMES = (
    "with space", "plus+sign", "percent%41", "ampersand&and=equals", "quote'single", "comma,semicolon;", "tilde~at@",
    "bracket(1)[2]{3}", "umlaut-äöü", "kanji-漢字", "emoji-🦊", "hash#mark", "dollar$sign", "star!bang", "dot..dot",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BigFile:
    path: Path
    size: int
    sha256: str


def make_big_file(path: Path, size: int = BIG_BYTES) -> BigFile:
    """Random bytes, no two blocks alike."""
    digest = hashlib.sha256()
    block = bytearray(os.urandom(min(BLOCK_BYTES, size)))
    with path.open("wb") as file:
        for number in range(0, size, len(block)):
            block[:8] = number.to_bytes(8, "big")
            file.write(block)
            digest.update(block)
    return BigFile(path, size, digest.hexdigest())


def make_tree(folder: Path, count: int = TREE_FILES) -> dict[str, str]:
    """Files of mixed sizes in nested folders, some with awkward names; returns their digests by relative path."""
    random = Random(SEED)
    for number in range(count):
        stem = f"{AWKWARD_NAMES[number % len(AWKWARD_NAMES)]}-{number}" if number % 10 == 0 else f"file-{number:04d}"
        place = folder / f"d{number % 7}" / f"e{number % 13}" if number % 3 else folder / f"d{number % 7}"
        size = RARE_SIZES[number // 200 % len(RARE_SIZES)] if number % 200 == 7 else SIZES[number % len(SIZES)]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{stem}.dat").write_bytes(random.randbytes(size))
    return digests(folder)


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below `folder`, by relative path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
